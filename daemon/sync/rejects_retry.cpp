#include "daemon/sync/rejects_retry.hpp"

namespace glia {

void RejectsRetry::on_error(const ApiError& error) {
    if (error.kind == ApiError::Kind::not_found || error.kind == ApiError::Kind::refused) return;
    outcome_.merge({exit_reason_of(error), error.message});
    if (error.kind == ApiError::Kind::cancelled || error.kind == ApiError::Kind::credentials) over_ = true;
    if (says_that_api_is_down(WorkKind::detail, error) &&
        ++failures_in_a_row_ >= WorkDrain::kFailuresUntilDown)
        over_ = true;
}

const std::string* RejectsRetry::failure_of(const std::string& site_id, StatisticsSource source) const {
    // One broken source must not end the run: engagements are tried even if no interval can be read.
    if (over_ || sources_failed_in_a_row_ >= WorkDrain::kFailuresUntilDown) return &last_source_failure_;
    const auto failed = failed_sources_.find({site_id, source});
    return failed == failed_sources_.end() ? nullptr : &failed->second;
}

void RejectsRetry::on_interval(const std::string& site_id, StatisticsSource source,
                               const ExitStatus& result) {
    if (result.reason == ExitReason::done || result.reason == ExitReason::rejected) {
        sources_failed_in_a_row_ = 0;
        return;
    }
    outcome_.merge(result);
    failed_sources_.emplace(std::pair{site_id, source}, result.error);
    last_source_failure_ = result.error;
    if (result.reason == ExitReason::credentials) over_ = true;
    if (result.reason == ExitReason::unavailable) ++sources_failed_in_a_row_;
}

}  // namespace glia
