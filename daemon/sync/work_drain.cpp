#include "daemon/sync/work_drain.hpp"

#include <algorithm>
#include <iterator>

#include "daemon/sync/pass_pipeline.hpp"

namespace glia {
namespace {

// Workers per request in flight. A worker that waits for a retry does not occupy a request, so others can use
// it. Failing engagements delay the rest only once they occupy all workers.
constexpr int kDetailWorkersPerRequest = 4;
constexpr int kMostDetailWorkers = 128;
constexpr int kMostTranscriptWorkers = 16;
// Few, because downloads share the network's bandwidth with the sync.
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

bool says_that_api_is_down(WorkKind kind, const ApiError& error) {
    if (error.kind != ApiError::Kind::unavailable) return false;
    const int status = error.status;
    return kind != WorkKind::detail || status == 0 || status == 408 || status == 425 || status == 429 ||
           (status > 500 && status < 600);
}

WorkResponse transcript_response(Result<FetchedTranscript> response, Instant asked_at, SteadyTime sent_at) {
    if (response) {
        FetchedTranscript& fetched = response.value();
        return FetchedContent{fetched.fetched_at, std::move(fetched.messages), std::nullopt, sent_at};
    }
    if (response.error().kind == ApiError::Kind::not_found)
        return FetchedContent{asked_at, std::nullopt, std::nullopt, sent_at};
    return std::move(response.error());
}

WorkDrain::WorkDrain(WorkKind kind, std::string instance_id, const SyncSettings& sync, int most_in_flight,
                     bool with_ongoing)
    : kind_(kind),
      instance_id_(std::move(instance_id)),
      sync_(sync),
      with_ongoing_(with_ongoing),
      workers_(workers_for(kind, most_in_flight)),
      claim_size_(drains_details() ? kFewestClaimed : 2 * workers_) {}

WorkDrain::Step WorkDrain::next(Milliseconds now) {
    if (batch_is_due(now)) return Write{flush()};
    if (over_) return End{};
    if (!jobs_.empty()) {
        ++fetching_;
        Fetch fetch{std::move(jobs_.front())};
        jobs_.pop_front();
        return fetch;
    }
    if (claiming_) return Wait{kPollEvery};
    if (!exhausted_) return claim(now);
    if (!drains_details() || idle()) return End{};
    if (now - *claimed_at_ >= kPollEvery) return claim(now);
    return Wait{kPollEvery};
}

bool WorkDrain::batch_is_due(Milliseconds now) {
    if (batch_->details.empty()) return false;
    if (!batch_since_) batch_since_ = now;
    if (!drains_details() || batch_->details.size() >= kBatchDetails) return true;
    const bool nothing_to_fetch = jobs_.empty() && exhausted_;
    return now - *batch_since_ >= (nothing_to_fetch ? kPollEvery : kBatchTime);
}

WorkDrain::Claim WorkDrain::claim(Milliseconds now) {
    Claim claim;
    claim.enqueue_ongoing = with_ongoing_ && (!claimed_at_ || now - *claimed_at_ >= kPollEvery);
    if (drains_details()) {
        // Claims more if the last claim was used up quickly.
        const bool soon = claimed_at_ && now - *claimed_at_ < kClaimInterval;
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
    failures_in_a_row_ = 0;
    if (const auto* blocked = std::get_if<Blocked>(&response)) {
        add_unattempted(std::move(outcome));
        give_up(blocked->outcome);
        return std::nullopt;
    }
    if (auto* detail = std::get_if<FetchedDetail>(&response))
        return on_detail(std::move(outcome), std::move(*detail));
    if (auto* content = std::get_if<FetchedContent>(&response)) {
        outcome.fetched_at = content->fetched_at;
        outcome.sent_at = content->sent_at;
        outcome.messages = std::move(content->messages);
        outcome.file = std::move(content->file);
        ++result_.fetched;
    } else {
        outcome.retry_in = recording_retry_pause(job.attempts);
    }
    batch_->details.push_back(std::move(outcome));
    return std::nullopt;
}

std::optional<WorkOutcome> WorkDrain::on_detail(WorkOutcome outcome, FetchedDetail fetched) {
    if (!fetched.detail.engagement) {
        // The job stays in the queue: the record may be corrected at the source, or was damaged in transit.
        RejectedRecord& rejected = *fetched.detail.rejected;
        ++result_.rejected;
        std::string error = "the record is rejected: " + rejected.reason;
        rejected.engagement_id = outcome.job.engagement_id;
        batch_->rejected.push_back({std::move(rejected), RecordSource::detail, ""});
        return fail(outcome.job, std::move(error), true);
    }
    outcome.fetched_at = fetched.fetched_at;
    outcome.sent_at = fetched.sent_at;
    batch_->details.push_back(std::move(outcome));
    add_to_batch(*batch_, std::move(*fetched.detail.engagement), RecordSource::detail, fetched.asked(), "",
                 sync_);
    ++result_.fetched;
    return std::nullopt;
}

std::optional<WorkOutcome> WorkDrain::on_error(WorkOutcome outcome, const ApiError& error) {
    if (error.kind == ApiError::Kind::cancelled || error.kind == ApiError::Kind::credentials) {
        add_unattempted(std::move(outcome));
        give_up({exit_reason_of(error), error.message});
        return std::nullopt;
    }
    if (says_that_api_is_down(kind_, error)) {
        last_failure_ = error.message;
        if (++failures_in_a_row_ >= kFailuresUntilDown) give_up({ExitReason::unavailable, last_failure_});
    } else if (!drains_details()) {
        failures_in_a_row_ = 0;
    }
    return fail(outcome.job, error.message, error.kind != ApiError::Kind::unavailable);
}

WorkOutcome WorkDrain::fail(const WorkJob& job, std::string error, bool permanent) {
    WorkOutcome outcome = failed(job, std::move(error), permanent);
    ++result_.failed;
    batch_->details.push_back(outcome);
    return outcome;
}

void WorkDrain::add_unattempted(WorkOutcome outcome) {
    outcome.attempted = false;
    batch_->details.push_back(std::move(outcome));
}

bool WorkDrain::on_completed(const WorkOutcome& outcome, ClaimResult claim) {
    if (!outcome.fetched_at || claim == ClaimResult::written) return false;
    --result_.fetched;
    return claim == ClaimResult::erased;
}

std::optional<WorkOutcome> WorkDrain::on_refused(const WorkOutcome& outcome, const SinkError& error) {
    if (error.kind() != SinkError::Kind::internal || !outcome.fetched_at) return std::nullopt;
    --result_.fetched;
    ++result_.failed;
    return failed(outcome.job, std::string("it cannot be written: ") + error.what(), true);
}

void WorkDrain::give_up(const ExitStatus& outcome) {
    over_ = true;
    result_.outcome.merge(outcome);
}

std::shared_ptr<const Batch> WorkDrain::hand_back() {
    // Fewer failures of the API than kFailuresUntilDown, but no fetch succeeded: the API counts as down.
    if (drains_details() && failures_in_a_row_ > 0 && result_.fetched == 0)
        result_.outcome.merge({ExitReason::unavailable, last_failure_});
    for (WorkJob& job : std::exchange(jobs_, {})) {
        WorkOutcome outcome;
        outcome.job = std::move(job);
        add_unattempted(std::move(outcome));
    }
    return batch_->empty() ? nullptr : flush();
}

std::shared_ptr<const Batch> WorkDrain::flush() {
    batch_since_.reset();
    batch_->claimed_by = instance_id_;
    for (const WorkOutcome& outcome : batch_->details) held_.erase(outcome.job);
    return std::exchange(batch_, std::make_shared<Batch>());
}

}  // namespace glia
