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
#include "daemon/sync/outcome.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/checkpoint.hpp"
#include "sinks/work.hpp"

namespace glia {

/// What a drain did.
struct DrainResult {
    Outcome outcome;
    std::int64_t fetched = 0;
    std::int64_t failed = 0;
};

/// A transcript or a recording, as fetched; neither: there is none, and nothing to come back for.
struct FetchedContent {
    Instant fetched_at{};
    std::optional<std::vector<ChatMessage>> messages{};
    std::optional<RecordingFile> file{};
};
/// A recording that is still being made.
struct NotReady {};
/// What ended a fetch and says nothing about its job, such as a full disk: the drain ends.
struct Blocked {
    Outcome outcome;
};
using WorkResponse = std::variant<FetchedDetail, FetchedContent, NotReady, ApiError, Blocked>;

/// One drain of one kind of work, until nothing is due, the API is down, or something else is in the way.
/// Each of its workers is a loop around next() that performs what it says:
///   Claim   claim jobs, then on_claimed()
///   Fetch   ask the API, then on_response()
///   Write   write the batch's outcomes, with their records
///   Wait    until another worker's claim or last response, or for `at_most`
///   End     the worker ends
/// Once all have ended, what hand_back() returns is written too, and result() is final. Times are those of
/// any clock that only goes forward.
///
/// Details differ from transcripts and recordings in this:
///   - Their outcomes are gathered into transactions; each of the others is a transaction.
///   - A drain goes on looking for them while it waits for responses: they feed the tables that people read.
///   - A response of 500 may be about one engagement. A recording's storage answers so when it is down.
///   - An error of another kind does not end a row of fetches without a response, and such a row, however
///     short, counts as an API that is down if nothing was fetched.
class WorkDrain {
  public:
    /// `owner`: who holds the claims; what somebody else holds by then is not written. `most_in_flight`:
    /// requests of the whole process. `with_ongoing`: details of ongoing engagements are enqueued when it is
    /// their time.
    WorkDrain(WorkKind kind, std::string owner, const SyncSettings& sync, int most_in_flight,
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
    /// The outcome if that is a failure of the job, for the log.
    std::optional<WorkOutcome> on_response(const WorkJob& job, WorkResponse response);
    /// Details are written. `queued`: details that the commit itself asked for; after its last commit a drain
    /// has no worker for them.
    void on_committed(std::int64_t queued) { asked_again_ = asked_again_ || queued > 0; }
    /// An outcome of an enricher is written, or is not needed any more.
    void on_settled(const WorkOutcome& outcome, Settled settled);
    /// The sink refuses an outcome. Returns what to write in its place: a value that the database does not
    /// take must not come up again and again. None: it is the sink's trouble.
    std::optional<WorkOutcome> on_refused(const WorkOutcome& outcome, const SinkError& error);

    /// Nothing more is claimed or fetched: the program stops.
    void stop() { over_ = true; }
    /// The same, because something is in the way.
    void give_up(const Outcome& outcome);
    /// At the end: the outcomes that are not written yet, and the claimed jobs that nobody came to,
    /// untouched. None: nothing.
    std::shared_ptr<const Batch> hand_back();

    WorkKind kind() const { return kind_; }
    int workers() const { return workers_; }
    /// No worker is fetching: whoever waits should look again.
    bool idle() const { return fetching_ == 0; }
    /// Claimed and not handed over to be written: these claims are to be renewed.
    std::vector<WorkJob> held() const { return {held_.begin(), held_.end()}; }
    /// After the end: another drain is worth it at once.
    bool asked_again() const { return asked_again_ && !over_; }
    const DrainResult& result() const { return result_; }

    // One transaction for so many details, or for those of so long a time: a slow API is no reason to show
    // late what has come.
    static constexpr std::size_t kBatchDetails = 400;
    static constexpr Milliseconds kBatchTime{2000};
    // Details claimed at once. A claim is a write, and keeps others from the work for as long as it takes.
    static constexpr int kFewestClaimed = 64;
    static constexpr int kMostClaimed = 512;
    static constexpr Milliseconds kSoon{1000};
    // While some workers wait for responses that do not come, the others look for more details and write what
    // has come. Also between two searches for ongoing engagements, so that a long queue is not slowed down by
    // a table that has nothing due.
    static constexpr Milliseconds kLookAgain{1000};
    // Fetches in a row without a response after which the API counts as down, rather than an engagement as
    // odd.
    static constexpr int kUnansweredUntilDown = 4;

  private:
    bool gathers() const { return kind_ == WorkKind::detail; }
    bool batch_is_due(Milliseconds now);
    Claim claim(Milliseconds now);
    std::shared_ptr<const Batch> flush();
    std::optional<WorkOutcome> on_detail(WorkOutcome outcome, FetchedDetail detail);
    std::optional<WorkOutcome> on_error(WorkOutcome outcome, const ApiError& error);
    WorkOutcome fail(const WorkJob& job, std::string error, bool permanent);
    void untouched(WorkOutcome outcome);

    WorkKind kind_;
    std::string owner_;
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
    int unanswered_in_a_row_ = 0;
    std::string last_unanswered_;
    bool claiming_ = false;
    bool exhausted_ = false;
    bool asked_again_ = false;
    bool over_ = false;
};

}  // namespace glia
