#include "daemon/sync/enrichment_drain.hpp"

#include <utility>

#include "daemon/sync/schedule.hpp"

namespace glia {

EnrichmentFetched failed_fetch(Enricher enricher, EnrichmentJob job, const ApiError& error) {
    EnrichmentFetched fetched;
    fetched.outcome.enricher = enricher;
    fetched.outcome.error = error.message;
    const bool permanent = error.kind == ApiError::Kind::not_found ||
                           error.kind == ApiError::Kind::forbidden || error.kind == ApiError::Kind::refused;
    fetched.outcome.retry_in = detail_failure(job.attempts, permanent).retry_in;
    fetched.outcome.job = std::move(job);
    if (error.kind == ApiError::Kind::cancelled || error.kind == ApiError::Kind::credentials) {
        fetched.outcome.attempted = false;
        fetched.outcome.retry_in = Seconds{0};
        fetched.trouble = Outcome{ending_of(error), error.message};
    }
    fetched.unanswered = error.kind == ApiError::Kind::unavailable;
    return fetched;
}

void EnrichmentDrain::on_claimed(std::vector<EnrichmentJob> jobs) {
    exhausted_ = jobs.empty();
    jobs_.assign(jobs.begin(), jobs.end());
    held_.insert(held_.end(), jobs.begin(), jobs.end());
}

std::optional<EnrichmentJob> EnrichmentDrain::take() {
    if (jobs_.empty()) return std::nullopt;
    EnrichmentJob job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
}

void EnrichmentDrain::on_fetched(const EnrichmentFetched& fetched) {
    if (fetched.trouble) give_up(*fetched.trouble);
    unanswered_in_a_row_ = fetched.unanswered ? unanswered_in_a_row_ + 1 : 0;
    if (unanswered_in_a_row_ >= kUnansweredUntilDown) give_up({Ending::unavailable, fetched.outcome.error});
}

void EnrichmentDrain::on_settled(const EnrichmentOutcome& outcome, Settled settled) {
    std::erase_if(held_, [&](const EnrichmentJob& job) {
        return job.engagement_id == outcome.job.engagement_id && job.item == outcome.job.item;
    });
    if (settled == Settled::written && outcome.fetched_at) ++result_.fetched;
    if (!outcome.error.empty() && outcome.attempted) ++result_.failed;
}

void EnrichmentDrain::give_up(const Outcome& outcome) {
    given_up_ = true;
    result_.outcome.merge(outcome);
}

std::vector<EnrichmentOutcome> EnrichmentDrain::hand_back(Enricher enricher) {
    std::vector<EnrichmentOutcome> untouched;
    for (EnrichmentJob& job : std::exchange(jobs_, {})) {
        EnrichmentOutcome& outcome = untouched.emplace_back();
        outcome.enricher = enricher;
        outcome.job = std::move(job);
        outcome.attempted = false;
    }
    return untouched;
}

}  // namespace glia
