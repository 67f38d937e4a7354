#include "daemon/sync/pass_driver.hpp"

#include <utility>

#include "daemon/base/log.hpp"

namespace glia {

PassDriver::PassDriver(Instance& instance, Pass pass, std::string site, bool collect)
    : instance_(instance),
      pipeline_(std::move(pass), std::move(site), instance.settings.sync),
      completed_(instance.runtime) {
    if (collect) pipeline_.collect_ids();
}

Task<> PassDriver::read() {
    const auto self = shared_from_this();
    reading_ = true;
    for (;;) {
        if (instance_.scope.cancelled()) pipeline_.stop();
        auto next = advance();
        if (next) {
            co_await instance_.committer.room();
            co_await ask(std::move(*next));
        } else if (ended_ || pipeline_.over()) {
            break;
        } else {
            co_await completed_.wait();
        }
    }
    reading_ = false;
}

void PassDriver::when_completed(std::function<void(const PassResult&)> done) {
    if (ended_) return done(pipeline_.result());
    done_ = std::move(done);
}

Task<PassResult> PassDriver::result() {
    const auto self = shared_from_this();
    while (!ended_) co_await completed_.wait();
    co_return pipeline_.result();
}

/// Begins the commits that are due. Returns the next request; none if a commit must complete first or the
/// pass has ended.
std::optional<PageRequest> PassDriver::advance() {
    for (;;) {
        PassPipeline::Step step = pipeline_.next();
        if (auto* fetch = std::get_if<PassPipeline::Fetch>(&step)) return std::move(fetch->ask);
        if (std::holds_alternative<PassPipeline::End>(step)) ended_ = true;
        auto* what = std::get_if<PassPipeline::Commit>(&step);
        if (!what) return std::nullopt;
        commit(std::move(*what));
    }
}

void PassDriver::commit(PassPipeline::Commit what) {
    what.checkpoint.elapsed =
        std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began_);
    const auto done = [self = shared_from_this()](const CommitResult& result) { self->on_commit(result); };
    instance_.committer.submit(std::move(what.batch), std::move(what.checkpoint), done);
}

void PassDriver::on_commit(const CommitResult& result) {
    if (result.failure) {
        pipeline_.on_commit_failed(instance_.exit_status_of(*result.failure));
    } else {
        if (result.counts.queued > 0) instance_.details_enqueued.set();
        pipeline_.on_committed(result.counts);
    }
    if (!reading_ && !ended_) advance();
    completed_.notify();
    if (ended_ && done_) std::exchange(done_, nullptr)(pipeline_.result());
}

Task<> PassDriver::ask(PageRequest what) {
    const auto* link = std::get_if<LinkedPageRequest>(&what);
    std::optional<Result<FetchedPage>> fetched;
    if (link) {
        fetched.emplace(co_await instance_.api.follow(link->link));
    } else {
        const auto& first = std::get<FirstPageRequest>(what);
        const ListQuery query{pipeline_.site(), first.start, first.end, 0};
        fetched.emplace(co_await instance_.api.list(query));
    }
    if (*fetched) {
        for (const RejectedRecord& rejected : fetched->value().page.rejected) {
            log::warn(LogTopic::sync, "record rejected",
                      {{"site", pipeline_.site()},
                       {"engagement", rejected.engagement_id.value_or("?")},
                       {"reason", rejected.reason}});
        }
        instance_.metrics.page_read();
        pipeline_.on_page(std::move(fetched->value()));
        co_return;
    }
    ApiError error = fetched->error();
    if (error.kind == ApiError::Kind::forbidden && instance_.settings.api.operator_ids.empty()) {
        error.message += "; a token without the manager role must name its own operator in api.operator_ids";
    }
    if (pipeline_.on_error(error)) {
        log::warn(LogTopic::sync, "cursor ended, the window is read again",
                  {{"site", pipeline_.site()}, {"error", error.message}});
    }
}

Task<PassResult> run_pass(Instance& instance, Pass pass, std::string site_id, bool collect) {
    const auto driver = std::make_shared<PassDriver>(instance, std::move(pass), std::move(site_id), collect);
    co_await driver->read();
    co_return co_await driver->result();
}

}  // namespace glia
