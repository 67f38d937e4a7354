#include "daemon/sync/detail_drain.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/sync/pass_pipeline.hpp"
namespace glia {
namespace {

/// No connection, or a gateway's answer. A 500, or a body that is none, may be about one engagement.
bool says_that_api_is_down(const ApiError& error) {
    const int status = error.status;
    return status == 0 || status == 408 || status == 425 || status == 429 || (status > 500 && status < 600);
}

}  // namespace

void DetailDrain::on_claimed(std::vector<DetailJob> jobs) {
    exhausted_ = jobs.empty();
    for (const DetailJob& job : jobs) held_.insert(job.engagement_id);
    jobs_.assign(std::make_move_iterator(jobs.begin()), std::make_move_iterator(jobs.end()));
}

int DetailDrain::claim_size(Milliseconds now) {
    const bool soon = claimed_at_ && now - *claimed_at_ < kSoon;
    claim_size_ = soon ? std::min(2 * claim_size_, kMostClaimed) : kFewestClaimed;
    claimed_at_ = now;
    return claim_size_;
}

std::optional<DetailJob> DetailDrain::take() {
    if (jobs_.empty() || given_up_) return std::nullopt;
    DetailJob job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

DetailFailure DetailDrain::note_failure(DetailOutcome outcome, const DetailJob& job, bool permanent) {
    const DetailFailure verdict = detail_failure(job.attempts, permanent);
    outcome.retry_in = verdict.retry_in;
    outcome.parked = verdict.parked;
    ++result_.failed;
    batch_->details.push_back(std::move(outcome));
    return verdict;
}

std::optional<DetailFailure> DetailDrain::on_detail(const DetailJob& job, FetchedDetail fetched) {
    failures_in_a_row_ = 0;
    DetailOutcome outcome;
    outcome.engagement_id = job.engagement_id;
    if (!fetched.detail.engagement) {
        // It stays in the queue: what is wrong may be put right, or may have been damage on the way.
        RejectedRecord& rejected = *fetched.detail.rejected;
        outcome.error = "the record is rejected: " + rejected.reason;
        rejected.engagement_id = job.engagement_id;
        batch_->rejected.push_back({std::move(rejected), RecordSource::detail, ""});
        return note_failure(std::move(outcome), job, true);
    }
    outcome.fetched_at = fetched.fetched_at;
    batch_->details.push_back(std::move(outcome));
    add_to_batch(*batch_, std::move(*fetched.detail.engagement), RecordSource::detail, fetched.asked(), "",
                 sync_);
    ++result_.fetched;
    return std::nullopt;
}

std::optional<DetailFailure> DetailDrain::on_error(const DetailJob& job, const ApiError& error) {
    DetailOutcome outcome;
    outcome.engagement_id = job.engagement_id;
    outcome.error = error.message;
    if (error.kind == ApiError::Kind::cancelled || error.kind == ApiError::Kind::credentials) {
        outcome.attempted = false;  // says nothing about the engagement
        batch_->details.push_back(std::move(outcome));
        give_up({ending_of(error), error.message});
        return std::nullopt;
    }
    if (error.kind == ApiError::Kind::unavailable && says_that_api_is_down(error)) {
        last_failure_ = error.message;
        if (++failures_in_a_row_ >= kFailuresUntilDown) give_up({Ending::unavailable, last_failure_});
    }
    return note_failure(std::move(outcome), job, error.kind != ApiError::Kind::unavailable);
}

bool DetailDrain::wants_flush(Milliseconds now) {
    if (batch_->details.empty()) return false;
    if (!batch_since_) batch_since_ = now;
    return batch_->details.size() >= kBatchDetails || now - *batch_since_ >= kBatchTime;
}

std::shared_ptr<const Batch> DetailDrain::flush() {
    if (batch_->empty()) return nullptr;
    batch_since_.reset();
    auto next = std::make_shared<Batch>();
    next->claim_owner = owner_;
    for (const DetailOutcome& outcome : batch_->details) held_.erase(outcome.engagement_id);
    return std::exchange(batch_, std::move(next));
}

void DetailDrain::give_up(const Outcome& outcome) {
    given_up_ = true;
    result_.outcome.merge(outcome);
}

void DetailDrain::hand_back() {
    // Too few to tell by their number, but none came through.
    if (failures_in_a_row_ > 0 && result_.fetched == 0) {
        result_.outcome.merge({Ending::unavailable, last_failure_});
    }
    for (DetailJob& job : jobs_) {
        DetailOutcome outcome;
        outcome.engagement_id = std::move(job.engagement_id);
        outcome.attempted = false;
        batch_->details.push_back(std::move(outcome));
    }
    jobs_.clear();
}

}  // namespace glia
