// How the detail queue is drained: which claimed engagement to ask for next, when to claim more, what an
// answer or a failure means, what goes into a batch. Decisions only; details.hpp performs them.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/outcome.hpp"
#include "daemon/sync/schedule.hpp"
#include "sinks/checkpoint.hpp"

namespace glia {

/// What a drain did.
struct DrainResult {
    Outcome outcome;
    std::int64_t fetched = 0;
    std::int64_t failed = 0;
};

class DetailDrain {
  public:
    /// `owner`: who holds the claims; a commit of theirs is refused once somebody else does.
    DetailDrain(std::string owner, const SyncSettings& sync)
        : owner_(std::move(owner)), sync_(sync), batch_(std::make_shared<Batch>()) {
        batch_->claim_owner = owner_;
    }

    /// True while nothing that is claimed is left to ask for, and the queue may hold more.
    bool wants_claim() const { return jobs_.empty() && !exhausted_ && !given_up_; }
    void on_claimed(std::vector<DetailJob> jobs);
    /// The queue that was empty may have filled since.
    void look_again() { exhausted_ = false; }
    bool given_up() const { return given_up_; }

    /// The next one to ask for; none: claim, or the drain is over.
    std::optional<DetailJob> take();
    /// An answer, loaded or rejected. Tells what a rejection means for the log; none if it was loaded.
    std::optional<DetailFailure> on_detail(const DetailJob& job, FetchedDetail detail);
    /// No answer. Tells what is done about it; none if it says nothing about the engagement.
    std::optional<DetailFailure> on_error(const DetailJob& job, const ApiError& error);

    /// To be asked after each detail: many have gathered, or the first has waited long enough. `now`: by any
    /// clock that only goes forward.
    bool wants_flush(Milliseconds now);
    bool holds_something() const { return !batch_->empty(); }
    /// What is to be committed now; none if there is nothing.
    std::shared_ptr<const Batch> flush();

    /// Nothing more is asked for: the program stops, or the sink is away.
    void give_up(const Outcome& outcome);
    /// At the end: what was claimed and not asked for goes back untouched.
    void hand_back();

    /// What is claimed and not yet handed over with flush(): these claims are to be renewed.
    std::vector<std::string> held() const { return {held_.begin(), held_.end()}; }

    const DrainResult& result() const { return result_; }

    /// How many to claim next, and that it is done now: more each time that the last ones were soon used up.
    int claim_size(Milliseconds now);

    // One transaction for so many details, or for those of so long a time: a slow API is no reason to show
    // late what has come.
    static constexpr std::size_t kBatchDetails = 400;
    static constexpr Milliseconds kBatchTime{2000};
    // So many are claimed at once. A claim is a write, and keeps others from the work for as long as it
    // takes.
    static constexpr int kFewestClaimed = 64;
    static constexpr int kMostClaimed = 512;
    static constexpr Milliseconds kSoon{1000};
    // So many details in a row without an answer: it is the API that is down, not an engagement that is odd.
    static constexpr int kFailuresUntilDown = 4;

  private:
    DetailFailure note_failure(DetailOutcome outcome, const DetailJob& job, bool permanent);

    std::string owner_;
    SyncSettings sync_;
    std::deque<DetailJob> jobs_;
    std::set<std::string> held_;
    std::shared_ptr<Batch> batch_;
    DrainResult result_;
    std::optional<Milliseconds> batch_since_;
    std::optional<Milliseconds> claimed_at_;
    int claim_size_ = kFewestClaimed;
    int failures_in_a_row_ = 0;
    std::string last_failure_;
    bool exhausted_ = false;
    bool given_up_ = false;
};

}  // namespace glia
