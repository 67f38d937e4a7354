#include "daemon/sync/pass_pipeline.hpp"

#include <algorithm>
#include <utility>

#include "daemon/sync/schedule.hpp"
#include "sinks/engagement_plan.hpp"
#include "sinks/invariant.hpp"

namespace glia {
namespace {

LinkTrouble trouble_of(const ApiError& error) {
    switch (error.kind) {
        case ApiError::Kind::not_found:
        case ApiError::Kind::refused:
            return LinkTrouble::gone;
        case ApiError::Kind::untrusted_link:
            return LinkTrouble::untrusted;
        default:
            return LinkTrouble::passing;
    }
}

}  // namespace

PassPipeline::PassPipeline(Pass pass, std::string site_id, const SyncSettings& sync, std::size_t batch)
    : pass_(std::move(pass)), site_(std::move(site_id)), sync_(sync), full_(batch) {}

PassPipeline::Step PassPipeline::next() {
    if (commit_failed_) return committing_ ? Step{Await{}} : end();
    const bool full = batch_->engagements.size() >= full_;
    if (position_is_new_ && (over() || full)) {
        if (committing_) return Await{};  // checkpoints follow each other
        position_is_new_ = false;
        committing_ = true;
        return Commit{std::exchange(batch_, std::make_shared<Batch>()), pass_.checkpoint()};
    }
    if (over()) {
        if (committing_) return Await{};
        result_.complete = pass_.complete();
        return end();
    }
    const Ask ask = pass_.next();
    asked_last_by_link_ = std::holds_alternative<AskLink>(ask);
    return Fetch{ask};
}

PassPipeline::Step PassPipeline::end() {
    const PassCheckpoint reached = pass_.checkpoint();
    result_.reached = {"", reached.pass, reached.requests, reached.rejected};
    return End{};
}

void PassPipeline::on_page(FetchedPage fetched) {
    PageFacts facts;
    facts.asked_at = latest_watermark(fetched.not_before, fetched.machine_time);
    check_invariant(
        facts.asked_at <= fetched.not_before && facts.asked_at - kClockTolerance <= fetched.machine_time,
        "a watermark is no later than its request, and than this machine's clock by a minute");
    facts.next_page = fetched.page.next_page;
    facts.engagements = static_cast<std::int64_t>(fetched.page.engagements.size());
    facts.rejected = static_cast<std::int64_t>(fetched.page.rejected.size());
    facts.requests = fetched.attempts;
    pass_.on_page(facts);
    position_is_new_ = true;
    if (batch_->engagements.empty()) {
        const std::size_t page = fetched.page.engagements.size();
        batch_->engagements.reserve(fetched.page.next_page ? full_ + page : page);
    }
    for (Engagement& engagement : fetched.page.engagements) {
        add_to_batch(*batch_, std::move(engagement), RecordSource::list, fetched.asked(), site_, sync_);
    }
    for (RejectedRecord& rejected : fetched.page.rejected) {
        batch_->rejected.push_back({std::move(rejected), RecordSource::list, site_});
    }
    if (pass_.failed()) result_.outcome = {Ending::unavailable, pass_.error()};
    result_.pages = pass_.position().pages;
}

bool PassPipeline::on_error(const ApiError& error) {
    const bool following = asked_last_by_link_;
    result_.site_refused = error.kind == ApiError::Kind::credentials ||
                           error.kind == ApiError::Kind::forbidden ||
                           (error.kind == ApiError::Kind::not_found && !following);
    if (following && error.kind != ApiError::Kind::cancelled) {
        const LinkTrouble trouble = trouble_of(error);
        if (pass_.on_link_trouble(trouble, error.message)) {
            position_is_new_ = true;
            return true;
        }
        if (trouble != LinkTrouble::passing) position_is_new_ = true;  // the link is not kept
    }
    given_up_ = true;
    result_.outcome = {ending_of(error), error.message};
    return false;
}

void PassPipeline::on_committed(const CommitCounts& counts) {
    committing_ = false;
    result_.counts += counts;
}

void PassPipeline::on_commit_failed(const Outcome& outcome) {
    committing_ = false;
    commit_failed_ = true;
    result_.outcome.merge(outcome);
}

void PassPipeline::stop() {
    if (over()) return;
    given_up_ = true;
    result_.outcome.merge({Ending::stopped, "stopped before the last page of site " + site_});
}

void add_to_batch(Batch& batch, Engagement engagement, RecordSource source, const AskedAt& asked,
                  const std::string& site_id, const SyncSettings& sync) {
    check_invariant(engagement.id.has_value(), "a record that is written has an id");
    const Instant fetched_at = asked.server;
    // By the clock that lets more be kept: the other may be wrong.
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
