#include "daemon/sync/pass_pipeline.hpp"

#include <algorithm>
#include <utility>

#include "daemon/sync/schedule.hpp"
#include "sinks/engagement_plan.hpp"
#include "sinks/invariant.hpp"

namespace glia {
namespace {

LinkFailure link_failure_of(const ApiError& error) {
    switch (error.kind) {
        case ApiError::Kind::not_found:
        case ApiError::Kind::refused:
            return LinkFailure::gone;
        case ApiError::Kind::untrusted_link:
            return LinkFailure::untrusted;
        default:
            return LinkFailure::transient;
    }
}

}  // namespace

PassPipeline::PassPipeline(Pass pass, std::string site_id, const SyncSettings& sync, std::size_t batch_size)
    : pass_(std::move(pass)), site_(std::move(site_id)), sync_(sync), batch_size_(batch_size) {}

PassPipeline::Step PassPipeline::next() {
    if (commit_failed_) return committing_ ? Step{Await{}} : end();
    const bool full = batch_->engagements.size() >= batch_size_;
    if (position_is_new_ && (over() || full)) {
        if (committing_) return Await{};  // checkpoints are committed in order, one at a time
        position_is_new_ = false;
        committing_ = true;
        return Commit{std::exchange(batch_, std::make_shared<Batch>()), pass_.checkpoint()};
    }
    if (over()) {
        if (committing_) return Await{};
        result_.complete = pass_.complete();
        if (result_.complete && began_at_first_page_ && listed_ && listed_->is_complete())
            result_.listed = listed_;
        return end();
    }
    const PageRequest ask = pass_.next();
    asked_last_by_link_ = std::holds_alternative<LinkedPageRequest>(ask);
    return Fetch{ask};
}

PassPipeline::Step PassPipeline::end() {
    const PassCheckpoint reached = pass_.checkpoint();
    result_.reached = {"", reached.pass, reached.requests, reached.rejected};
    return End{};
}

void PassPipeline::on_page(FetchedPage fetched) {
    PageInput input;
    input.asked_at = latest_watermark(fetched.not_before, fetched.machine_time);
    check_invariant(
        input.asked_at <= fetched.not_before && input.asked_at - kClockTolerance <= fetched.machine_time,
        "a watermark is no later than its request, and at most a minute ahead of this machine's clock");
    input.next_page = fetched.page.next_page;
    input.engagements = static_cast<std::int64_t>(fetched.page.engagements.size());
    input.rejected = static_cast<std::int64_t>(fetched.page.rejected.size());
    input.requests = fetched.attempts;
    pass_.on_page(input);
    position_is_new_ = true;
    if (listed_) collect_ids(fetched.page);
    if (batch_->engagements.empty()) {
        const std::size_t page = fetched.page.engagements.size();
        batch_->engagements.reserve(fetched.page.next_page ? batch_size_ + page : page);
    }
    for (Engagement& engagement : fetched.page.engagements) {
        add_to_batch(*batch_, std::move(engagement), RecordSource::list, fetched.asked(), site_, sync_);
    }
    for (RejectedRecord& rejected : fetched.page.rejected) {
        batch_->rejected.push_back({std::move(rejected), RecordSource::list, site_});
    }
    if (pass_.failed()) result_.outcome = {ExitReason::unavailable, pass_.error()};
    result_.pages = pass_.position().pages;
}

void PassPipeline::collect_ids(const ParsedPage& page) {
    if (!asked_last_by_link_) {
        listed_->clear();
        began_at_first_page_ = true;
    }
    for (const Engagement& engagement : page.engagements) listed_->add(*engagement.id);
    for (const RejectedRecord& rejected : page.rejected) {
        if (rejected.engagement_id) listed_->add(*rejected.engagement_id);
    }
}

bool PassPipeline::on_error(const ApiError& error) {
    const bool following = asked_last_by_link_;
    result_.site_refused = error.kind == ApiError::Kind::credentials ||
                           error.kind == ApiError::Kind::forbidden ||
                           (error.kind == ApiError::Kind::not_found && !following);
    if (following && error.kind != ApiError::Kind::cancelled) {
        const LinkFailure failure = link_failure_of(error);
        if (pass_.on_link_failure(failure, error.message)) {
            position_is_new_ = true;
            return true;
        }
        if (failure != LinkFailure::transient) position_is_new_ = true;  // the link is not kept
    }
    given_up_ = true;
    result_.outcome = {exit_reason_of(error), error.message};
    return false;
}

void PassPipeline::on_committed(const CommitCounts& counts) {
    committing_ = false;
    result_.counts += counts;
}

void PassPipeline::on_commit_failed(const ExitStatus& outcome) {
    committing_ = false;
    commit_failed_ = true;
    result_.outcome.merge(outcome);
}

void PassPipeline::stop() {
    if (over()) return;
    given_up_ = true;
    result_.outcome.merge({ExitReason::stopped, "stopped before the last page of site " + site_});
}

void add_to_batch(Batch& batch, Engagement engagement, RecordSource source, const AskedAt& asked,
                  const std::string& site_id, const SyncSettings& sync) {
    check_invariant(engagement.id.has_value(), "a record that is written has an id");
    const Instant fetched_at = asked.server;
    // Uses the earlier clock, which skips fewer records: the other one may be wrong.
    const Instant now = std::min(asked.server, asked.machine);
    if (sync.retention && engagement.created_at < now - *sync.retention) return;
    FetchedEngagement fetched;
    if (is_ongoing(engagement, fetched_at))
        fetched.refetch_in = refetch_wait(sync, engagement.created_at, fetched_at);
    fetched.engagement = std::move(engagement);
    fetched.hashes = content_hashes(fetched.engagement);
    fetched.source = source;
    fetched.fetched_at = fetched_at;
    fetched.sent_at = asked.sent;
    fetched.site_id = site_id;
    batch.engagements.push_back(std::move(fetched));
}

}  // namespace glia
