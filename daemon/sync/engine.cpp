#include "daemon/sync/engine.hpp"

#include "daemon/base/log.hpp"
#include "daemon/base/owner.hpp"

namespace glia {
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
