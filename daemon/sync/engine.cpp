#include "daemon/sync/engine.hpp"

#include "daemon/base/log.hpp"
#include "daemon/base/owner.hpp"

namespace glia {
namespace {

/// A batch being committed while the next page is fetched.
class Committing {
  public:
    Committing(Engine& engine, PassRun::Commit what) : done_(engine.runtime) {
        engine.runtime.spawn(commit(engine, std::move(what)));
    }
    /// Throws SinkError.
    Task<CommitCounts> result() {
        while (!finished_) co_await done_.wait();
        if (failure_) std::rethrow_exception(failure_);
        co_return counts_;
    }

  private:
    Task<> commit(Engine& engine, PassRun::Commit what) {
        try {
            counts_ = co_await engine.committer.commit(std::move(what.batch), std::move(what.checkpoint));
        } catch (...) {
            failure_ = std::current_exception();
        }
        finished_ = true;
        done_.notify();
    }

    Signal done_;
    bool finished_ = false;
    std::exception_ptr failure_;
    CommitCounts counts_;
};

/// One pass on its way: does what PassRun says.
class Performance {
  public:
    Performance(Engine& engine, Pass pass, std::string site, std::function<void()> fetched)
        : engine_(engine),
          run_(std::move(pass), std::move(site), engine.settings.sync),
          fetched_(std::move(fetched)) {}

    Task<PassResult> perform() {
        for (;;) {
            if (engine_.scope.ending()) run_.stop();
            PassRun::Step step = run_.next();
            if (run_.over() && fetched_) std::exchange(fetched_, nullptr)();
            if (const auto* fetch = std::get_if<PassRun::Fetch>(&step)) {
                co_await engine_.committer.room();
                co_await ask(fetch->ask);
            } else if (auto* commit = std::get_if<PassRun::Commit>(&step)) {
                commit->checkpoint.elapsed =
                    std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - began_);
                committing_ = std::make_unique<Committing>(engine_, std::move(*commit));
            } else if (std::holds_alternative<PassRun::Await>(step)) {
                co_await settle();
            } else {
                co_return run_.result();
            }
        }
    }

  private:
    Task<> ask(Ask ask) {
        const auto* link = std::get_if<AskLink>(&ask);
        std::optional<Result<FetchedPage>> fetched;
        if (link) {
            fetched.emplace(co_await engine_.api.follow(link->link));
        } else {
            const auto& first = std::get<AskFirst>(ask);
            const ListQuery query{run_.site(), first.start, first.end, 0};
            fetched.emplace(co_await engine_.api.list(query));
        }
        if (*fetched) {
            for (const RejectedRecord& rejected : fetched->value().page.rejected) {
                log::warn(LogTopic::sync, "record rejected",
                          {{"site", run_.site()},
                           {"engagement", rejected.engagement_id.value_or("?")},
                           {"reason", rejected.reason}});
            }
            engine_.metrics.page_read();
            run_.on_page(std::move(fetched->value()));
            co_return;
        }
        ApiError error = fetched->error();
        if (error.kind == ApiError::Kind::forbidden && engine_.settings.api.operator_ids.empty()) {
            error.message +=
                "; a token without the manager role must name its own operator in api.operator_ids";
        }
        if (run_.on_error(error)) {
            log::warn(LogTopic::sync, "cursor ended, the window is read again",
                      {{"site", run_.site()}, {"error", error.message}});
        }
    }

    Task<> settle() {
        const auto committing = std::move(committing_);
        std::optional<SinkError> failure;
        try {
            const CommitCounts counts = co_await committing->result();
            if (counts.queued > 0) engine_.details_wanted.notify();
            run_.on_committed(counts);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) run_.on_commit_failed(engine_.outcome_of(*failure));
    }

    Engine& engine_;
    PassRun run_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::function<void()> fetched_;
    std::unique_ptr<Committing> committing_;
};

}  // namespace

Engine::Engine(Runtime& loop, Settings by, SinkFactory sinks, int threads, int retries, Metrics& measured)
    : runtime(loop),
      scope(loop),
      settings(std::move(by)),
      metrics(measured),
      api(scope, settings, metrics),
      store(scope, std::move(sinks), threads, retries, metrics),
      owner(this_owner()),
      details_wanted(loop),
      background(loop),
      committer(store, metrics, loop, background) {}

Task<PassResult> perform(Engine& engine, Pass pass, std::string site_id, std::function<void()> fetched) {
    Performance performance(engine, std::move(pass), std::move(site_id), std::move(fetched));
    co_return co_await performance.perform();
}

struct Renewal::State {
    explicit State(Runtime& runtime) : ended(runtime) {}
    Signal ended;
    bool over = false;
};

Renewal::Renewal(Engine& engine, std::function<Call()> renewal)
    : state_(std::make_shared<State>(engine.runtime)) {
    auto loop = [](Engine& parts, std::shared_ptr<State> state, std::function<Call()> ask) -> Task<> {
        while (!state->over && !parts.runtime.stopping()) {
            co_await state->ended.wait_for(std::chrono::duration_cast<Milliseconds>(kLeaseTime) / 3);
            if (state->over || parts.runtime.stopping()) break;
            try {
                const Call call = ask();
                co_await parts.store.run(call);
            } catch (const SinkError& error) {
                // The next commit finds out whether the lease still holds; nothing is decided here.
                log::debug(LogTopic::sync, "lease not renewed", {{"error", error.what()}});
            }
        }
        parts.background.remove();
    };
    engine.background.add();
    engine.runtime.spawn(loop(engine, state_, std::move(renewal)));
}

Renewal::~Renewal() {
    state_->over = true;
    state_->ended.notify();
}

Task<> take_over_dead(Engine& engine) {
    const auto list = [](Sink& sink) { return sink.instances().lease_owners(); };
    const auto owners = co_await engine.store.run(list);
    for (const std::string& owner : owners) {
        if (owner == engine.owner || !is_dead(owner)) continue;
        log::info(LogTopic::sync, "taking over from an instance that is gone", {{"owner", owner}});
        const auto free = [owner](Sink& sink) { sink.instances().release_leases_of_dead(owner); };
        co_await engine.store.run(free);
    }
}

Task<> end_stuck(Engine& engine) {
    const auto end = [](Sink& sink) { return sink.instances().end_stuck(kStuckAfter); };
    const std::int64_t ended = co_await engine.store.run(end);
    if (ended > 0) {
        log::warn(LogTopic::sync, "ended transactions of instances that stopped in the middle of them",
                  {{"count", ended}});
    }
}

Task<> load_server_clock(Engine& engine) {
    const auto read = [](Sink& sink) { return sink.instances().server_clock(this_machine()); };
    const auto ahead = co_await engine.store.run(read);
    if (ahead) engine.api.guess_clock(*ahead);
}

Task<> save_server_clock(Engine& engine) {
    const auto ahead = engine.api.clock_ahead_of_system();
    if (!ahead) co_return;
    const std::int64_t found = ahead->count();
    const auto save = [found](Sink& sink) {
        sink.instances().save_server_clock(this_machine(), std::chrono::microseconds{found});
    };
    co_await engine.store.run(save);
}

}  // namespace glia
