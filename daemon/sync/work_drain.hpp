// How the work queue is drained: which claimed job to fetch next, when to claim more, what a response or a
// failure means, what is written together, and when to give up. Decisions only; work_runner.hpp performs
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/exit_status.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/checkpoint.hpp"
#include "sinks/work.hpp"

namespace glia {

/// The result of a drain.
struct DrainResult {
    ExitStatus outcome;
    std::int64_t fetched = 0;
    std::int64_t failed = 0;
    std::int64_t rejected = 0;  ///< the failed ones whose record cannot be read

    DrainResult& operator+=(const DrainResult& other) {
        outcome.merge(other.outcome);
        fetched += other.fetched;
        failed += other.failed;
        rejected += other.rejected;
        return *this;
    }
};

/// A transcript or a recording, as fetched; neither: there is none, and the job is complete.
struct FetchedContent {
    Instant fetched_at{};
    std::optional<std::vector<ChatMessage>> messages{};
    std::optional<RecordingFile> file{};
    SteadyTime sent_at = SteadyTime::max();  ///< when it was requested or earlier; the maximum: unknown
};
/// A recording that is still being made.
struct NotReady {};
/// A failure that does not concern the job, such as a full disk: the drain ends.
struct Blocked {
    ExitStatus outcome;
};
using WorkResponse = std::variant<FetchedDetail, FetchedContent, NotReady, ApiError, Blocked>;
/// Interprets the response to a transcript request. 404 means that the engagement has no chat, for example a
/// phone call; stored messages stay. `asked_at`: when it was requested, by the server's clock. `sent_at`: by
/// the steady clock.
WorkResponse transcript_response(Result<FetchedTranscript> response, Instant asked_at,
                                 SteadyTime sent_at = SteadyTime::max());

/// True if the API as a whole seems down: no connection, an overload, or a server error. For details a 500
/// does not count: it may concern one engagement.
bool says_that_api_is_down(WorkKind kind, const ApiError& error);

/// One drain of one kind of work, until nothing is due, the API is down, or another failure ends it. Each
/// worker performs the steps of next() in a loop:
///   Claim   claim jobs, then on_claimed()
///   Fetch   ask the API, then on_response()
///   Write   write the batch's outcomes, with their records
///   Wait    until a claim is completed, no worker is fetching, or `at_most` is over
///   End     the worker ends
/// After all workers have ended, the caller writes what hand_back() returns; then result() is final. Times
/// are those of any monotonic clock.
///
/// Details differ from transcripts and recordings:
///   - Their outcomes share transactions. Each outcome of the others has its own transaction.
///   - A drain polls for new details while it waits for responses, so that the tables are current.
///   - A 500 response may concern one engagement only. For the others, it is a failure of the API.
///   - An error that concerns one engagement does not reset the count of consecutive failures of the API. If
///     the drain fetched nothing, a count above zero means that the API is down.
class WorkDrain {
  public:
    /// `instance_id`: the holder of the claims; outcomes of lost claims are not written. `most_in_flight`:
    /// maximum requests of the whole process. `with_ongoing`: also enqueues ongoing engagements whose details
    /// are due again.
    WorkDrain(WorkKind kind, std::string instance_id, const SyncSettings& sync, int most_in_flight,
              bool with_ongoing = false);

    struct Claim {
        int limit = 0;
        bool enqueue_ongoing = false;
    };
    struct Fetch {
        WorkJob job;
    };
    struct Write {
        std::shared_ptr<const Batch> batch;
    };
    struct Wait {
        Milliseconds at_most{};
    };
    struct End {};
    using Step = std::variant<Claim, Fetch, Write, Wait, End>;
    Step next(Milliseconds now);

    void on_claimed(std::vector<WorkJob> jobs);
    /// Takes a response. Returns the outcome, for the log, if the job failed.
    std::optional<WorkOutcome> on_response(const WorkJob& job, WorkResponse response);
    /// Details are written. `queued`: details that the commit has queued. After the last commit of a drain,
    /// the next drain has to fetch them.
    void on_committed(std::int64_t queued) { more_was_queued_ = more_was_queued_ || queued > 0; }
    /// An enricher's outcome is written, or is no longer needed. True: the engagement is erased, and what the
    /// fetch left elsewhere, such as a file, has to be removed.
    bool on_completed(const WorkOutcome& outcome, ClaimResult claim);
    /// The sink refuses an outcome. Returns a failed outcome, to be written instead, so that content that the
    /// database rejects is not fetched for ever. None if the sink itself has failed.
    std::optional<WorkOutcome> on_refused(const WorkOutcome& outcome, const SinkError& error);

    /// The program stops: claims and fetches nothing more.
    void stop() { over_ = true; }
    /// The same after a failure.
    void give_up(const ExitStatus& outcome);
    /// At the end: the unwritten outcomes, and the claimed jobs that were not fetched, to be released. Null
    /// if there are none.
    std::shared_ptr<const Batch> hand_back();

    WorkKind kind() const { return kind_; }
    int workers() const { return workers_; }
    /// True if no worker is fetching: then waiting workers must call next() again.
    bool idle() const { return fetching_ == 0; }
    /// Claimed jobs that were not yet returned by a Write step: their claims have to be renewed.
    std::vector<WorkJob> held() const { return {held_.begin(), held_.end()}; }
    /// True after the end if more items were queued meanwhile: another drain finds work at once.
    bool more_was_queued() const { return more_was_queued_ && !over_; }
    const DrainResult& result() const { return result_; }

    // Maximum details, and maximum time of gathering, per transaction. The time bounds the delay if the API
    // is slow.
    static constexpr std::size_t kBatchDetails = 400;
    static constexpr Milliseconds kBatchTime{2000};
    // Details per claim. Each claim is a write, and other instances cannot fetch claimed jobs. A claim within
    // kClaimInterval of the one before takes twice as many.
    static constexpr int kFewestClaimed = 64;
    static constexpr int kMostClaimed = 512;
    static constexpr Milliseconds kClaimInterval{1000};
    // While some workers wait for slow responses, the others poll for more details and write the fetched ones
    // this often. Also the minimum time between two searches for ongoing engagements, so that these do not
    // slow down a long queue.
    static constexpr Milliseconds kPollEvery{1000};
    // Consecutive failures of the API (no connection, an overload, or a server error) after which it counts
    // as down. Fewer may be the engagements' own failures.
    static constexpr int kFailuresUntilDown = 4;

  private:
    bool drains_details() const { return kind_ == WorkKind::detail; }
    bool batch_is_due(Milliseconds now);
    Claim claim(Milliseconds now);
    std::shared_ptr<const Batch> flush();
    std::optional<WorkOutcome> on_detail(WorkOutcome outcome, FetchedDetail detail);
    std::optional<WorkOutcome> on_error(WorkOutcome outcome, const ApiError& error);
    WorkOutcome fail(const WorkJob& job, std::string error, bool permanent);
    void add_unattempted(WorkOutcome outcome);

    WorkKind kind_;
    std::string instance_id_;
    SyncSettings sync_;
    bool with_ongoing_;
    int workers_;
    std::deque<WorkJob> jobs_;
    std::set<WorkJob> held_;
    std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
    DrainResult result_;
    std::optional<Milliseconds> batch_since_;
    std::optional<Milliseconds> claimed_at_;
    int claim_size_;
    int fetching_ = 0;
    int failures_in_a_row_ = 0;
    std::string last_failure_;
    bool claiming_ = false;
    bool exhausted_ = false;
    bool more_was_queued_ = false;
    bool over_ = false;
};

}  // namespace glia
