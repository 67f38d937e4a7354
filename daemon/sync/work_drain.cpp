#include "daemon/sync/work_drain.hpp"

#include <algorithm>
#include <iterator>

#include "daemon/sync/pass_pipeline.hpp"

namespace glia {
namespace {

// A worker that waits to ask again holds no place among the requests in flight, so there are several for
// each: so many engagements with trouble of their own are needed before the others have to wait for them.
constexpr int kDetailWorkersPerRequest = 4;
constexpr int kMostDetailWorkers = 128;
constexpr int kMostTranscriptWorkers = 16;
// Downloads share the line with the sync.
constexpr int kRecordingWorkers = 4;

int workers_for(WorkKind kind, int most_in_flight) {
    switch (kind) {
        case WorkKind::detail:
            return std::min(most_in_flight * kDetailWorkersPerRequest, kMostDetailWorkers);
        case WorkKind::transcript:
            return std::min(most_in_flight, kMostTranscriptWorkers);
        case WorkKind::recording:
            break;
    }
    return kRecordingWorkers;
}

/// No connection, or a gateway's response; of details, whose 500 may be about one engagement.
bool says_that_api_is_down(WorkKind kind, const ApiError& error) {
    if (error.kind != ApiError::Kind::unavailable) return false;
    const int status = error.status;
    return kind != WorkKind::detail || status == 0 || status == 408 || status == 425 || status == 429 ||
           (status > 500 && status < 600);
}

WorkOutcome failed(const WorkJob& job, std::string error, bool permanent) {
    const WorkRetry retry = work_retry(job.attempts, permanent);
    WorkOutcome outcome;
    outcome.job = job;
    outcome.error = std::move(error);
    outcome.retry_in = retry.retry_in;
    outcome.parked = retry.parked;
    return outcome;
}

}  // namespace

WorkDrain::WorkDrain(WorkKind kind, std::string owner, const SyncSettings& sync, int most_in_flight,
                     bool with_ongoing)
    : kind_(kind),
      owner_(std::move(owner)),
      sync_(sync),
      with_ongoing_(with_ongoing),
      workers_(workers_for(kind, most_in_flight)),
      claim_size_(gathers() ? kFewestClaimed : 2 * workers_) {}

WorkDrain::Step WorkDrain::next(Milliseconds now) {
    if (batch_is_due(now)) return Write{flush()};
    if (over_) return End{};
    if (!jobs_.empty()) {
        ++fetching_;
        Fetch fetch{std::move(jobs_.front())};
        jobs_.pop_front();
        return fetch;
    }
    if (claiming_) return Wait{kLookAgain};
    if (!exhausted_) return claim(now);
    if (!gathers() || idle()) return End{};
    if (now - *claimed_at_ >= kLookAgain) return claim(now);
    return Wait{kLookAgain};
}

bool WorkDrain::batch_is_due(Milliseconds now) {
    if (batch_->details.empty()) return false;
    if (!batch_since_) batch_since_ = now;
    if (!gathers() || batch_->details.size() >= kBatchDetails) return true;
    const bool nothing_to_fetch = jobs_.empty() && exhausted_;
    return now - *batch_since_ >= (nothing_to_fetch ? kLookAgain : kBatchTime);
}

WorkDrain::Claim WorkDrain::claim(Milliseconds now) {
    Claim claim;
    claim.enqueue_ongoing = with_ongoing_ && (!claimed_at_ || now - *claimed_at_ >= kLookAgain);
    if (gathers()) {
        // More each time that the last ones were soon used up.
        const bool soon = claimed_at_ && now - *claimed_at_ < kSoon;
        claim_size_ = soon ? std::min(2 * claim_size_, kMostClaimed) : kFewestClaimed;
    }
    claim.limit = claim_size_;
    claimed_at_ = now;
    claiming_ = true;
    return claim;
}

void WorkDrain::on_claimed(std::vector<WorkJob> jobs) {
    claiming_ = false;
    exhausted_ = jobs.empty();
    held_.insert(jobs.begin(), jobs.end());
    jobs_.insert(jobs_.end(), std::make_move_iterator(jobs.begin()), std::make_move_iterator(jobs.end()));
}

std::optional<WorkOutcome> WorkDrain::on_response(const WorkJob& job, WorkResponse response) {
    --fetching_;
    WorkOutcome outcome;
    outcome.job = job;
    if (const auto* error = std::get_if<ApiError>(&response)) return on_error(std::move(outcome), *error);
    unanswered_in_a_row_ = 0;
    if (const auto* blocked = std::get_if<Blocked>(&response)) {
        untouched(std::move(outcome));
        give_up(blocked->outcome);
        return std::nullopt;
    }
    if (auto* detail = std::get_if<FetchedDetail>(&response))
        return on_detail(std::move(outcome), std::move(*detail));
    if (auto* content = std::get_if<FetchedContent>(&response)) {
        outcome.fetched_at = content->fetched_at;
        outcome.messages = std::move(content->messages);
        outcome.file = std::move(content->file);
        ++result_.fetched;
    } else {
        outcome.retry_in = wait_until_made(job.attempts);
    }
    batch_->details.push_back(std::move(outcome));
    return std::nullopt;
}

std::optional<WorkOutcome> WorkDrain::on_detail(WorkOutcome outcome, FetchedDetail fetched) {
    if (!fetched.detail.engagement) {
        // It stays in the queue: what is wrong may be put right, or may have been damage on the way.
        RejectedRecord& rejected = *fetched.detail.rejected;
        std::string error = "the record is rejected: " + rejected.reason;
        rejected.engagement_id = outcome.job.engagement_id;
        batch_->rejected.push_back({std::move(rejected), RecordSource::detail, ""});
        return fail(outcome.job, std::move(error), true);
    }
    outcome.fetched_at = fetched.fetched_at;
    batch_->details.push_back(std::move(outcome));
    add_to_batch(*batch_, std::move(*fetched.detail.engagement), RecordSource::detail, fetched.asked(), "",
                 sync_);
    ++result_.fetched;
    return std::nullopt;
}

std::optional<WorkOutcome> WorkDrain::on_error(WorkOutcome outcome, const ApiError& error) {
    if (error.kind == ApiError::Kind::cancelled || error.kind == ApiError::Kind::credentials) {
        untouched(std::move(outcome));
        give_up({ending_of(error), error.message});
        return std::nullopt;
    }
    if (says_that_api_is_down(kind_, error)) {
        last_unanswered_ = error.message;
        if (++unanswered_in_a_row_ >= kUnansweredUntilDown) give_up({Ending::unavailable, last_unanswered_});
    } else if (!gathers()) {
        unanswered_in_a_row_ = 0;
    }
    return fail(outcome.job, error.message, error.kind != ApiError::Kind::unavailable);
}

WorkOutcome WorkDrain::fail(const WorkJob& job, std::string error, bool permanent) {
    WorkOutcome outcome = failed(job, std::move(error), permanent);
    ++result_.failed;
    batch_->details.push_back(outcome);
    return outcome;
}

void WorkDrain::untouched(WorkOutcome outcome) {
    outcome.attempted = false;
    batch_->details.push_back(std::move(outcome));
}

void WorkDrain::on_settled(const WorkOutcome& outcome, Settled settled) {
    if (outcome.fetched_at && settled != Settled::written) --result_.fetched;
}

std::optional<WorkOutcome> WorkDrain::on_refused(const WorkOutcome& outcome, const SinkError& error) {
    if (error.kind() != SinkError::Kind::internal || !outcome.fetched_at) return std::nullopt;
    --result_.fetched;
    ++result_.failed;
    return failed(outcome.job, std::string("it cannot be written: ") + error.what(), true);
}

void WorkDrain::give_up(const Outcome& outcome) {
    over_ = true;
    result_.outcome.merge(outcome);
}

std::shared_ptr<const Batch> WorkDrain::hand_back() {
    // Too few to tell by their number, but none came through.
    if (gathers() && unanswered_in_a_row_ > 0 && result_.fetched == 0)
        result_.outcome.merge({Ending::unavailable, last_unanswered_});
    for (WorkJob& job : std::exchange(jobs_, {})) {
        WorkOutcome outcome;
        outcome.job = std::move(job);
        untouched(std::move(outcome));
    }
    return batch_->empty() ? nullptr : flush();
}

std::shared_ptr<const Batch> WorkDrain::flush() {
    batch_since_.reset();
    batch_->claim_owner = owner_;
    for (const WorkOutcome& outcome : batch_->details) held_.erase(outcome.job);
    return std::exchange(batch_, std::make_shared<Batch>());
}

}  // namespace glia
