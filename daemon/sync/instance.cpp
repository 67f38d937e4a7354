#include "daemon/sync/instance.hpp"

#include "daemon/base/instance_id.hpp"
#include "daemon/base/log.hpp"

namespace glia {
Instance::Instance(Runtime& loop, Settings configuration, SinkFactory sinks, int threads, int retries,
                   Metrics& shared_metrics)
    : runtime(loop),
      scope(loop),
      settings(std::move(configuration)),
      metrics(shared_metrics),
      api(scope, settings, metrics),
      sink_pool(scope, std::move(sinks), threads, retries, metrics),
      instance_id(this_instance_id()),
      details_enqueued(loop),
      background(loop),
      committer(sink_pool, metrics, loop, background) {}

struct Renewal::State {
    explicit State(Runtime& runtime) : ended(runtime) {}
    AsyncCondition ended;
    bool over = false;
};

Renewal::Renewal(Instance& instance, std::function<Call()> renewal)
    : state_(std::make_shared<State>(instance.runtime)) {
    auto loop = [](Instance& parts, std::shared_ptr<State> state, std::function<Call()> ask) -> Task<> {
        while (!state->over && !parts.runtime.stopping()) {
            co_await state->ended.wait_for(std::chrono::duration_cast<Milliseconds>(kLeaseTime) / 3);
            if (state->over || parts.runtime.stopping()) break;
            try {
                const Call call = ask();
                co_await parts.sink_pool.run(call);
            } catch (const SinkError& error) {
                // Only logged: the next commit checks whether the lease still holds.
                log::debug(LogTopic::sync, "lease not renewed", {{"error", error.what()}});
            }
        }
        parts.background.remove();
    };
    instance.background.add();
    instance.runtime.spawn(loop(instance, state_, std::move(renewal)));
}

Renewal::Renewal(Instance& instance, SiteTarget lease)
    : Renewal(instance,
              [lease] { return [lease](Sink& sink) { sink.site_leases().renew(lease, kLeaseTime); }; }) {}

Renewal::~Renewal() {
    state_->over = true;
    state_->ended.notify();
}

Task<> release_leases_of_dead_instances(Instance& instance) {
    const auto list = [](Sink& sink) { return sink.instances().lease_owners(); };
    const auto instances = co_await instance.sink_pool.run(list);
    for (const std::string& instance_id : instances) {
        if (instance_id == instance.instance_id || !is_dead(instance_id)) continue;
        log::info(LogTopic::sync, "taking over from an instance that is gone",
                  {{"instance_id", instance_id}});
        const auto free = [instance_id](Sink& sink) { sink.instances().release_leases_of_dead(instance_id); };
        co_await instance.sink_pool.run(free);
    }
}

Task<SiteAcquired> acquire_site(Instance& instance, SiteKey site, bool force) {
    const auto acquire = [site, force, instance_id = instance.instance_id](Sink& sink) {
        return sink.site_leases().acquire(site, instance_id, kLeaseTime, force);
    };
    co_return co_await instance.sink_pool.run(acquire);
}

Task<> end_stuck_transactions(Instance& instance) {
    const auto end = [](Sink& sink) { return sink.instances().end_stuck_transactions(kStuckAfter); };
    const std::int64_t ended = co_await instance.sink_pool.run(end);
    if (ended > 0) {
        log::warn(LogTopic::sync, "ended transactions of instances that stopped in the middle of them",
                  {{"count", ended}});
    }
}

Task<> load_server_clock(Instance& instance) {
    const auto read = [](Sink& sink) { return sink.instances().server_clock(this_machine()); };
    const auto ahead = co_await instance.sink_pool.run(read);
    if (ahead) instance.api.set_clock_offset(*ahead);
}

Task<> save_server_clock(Instance& instance) {
    const auto ahead = instance.api.clock_ahead_of_machine();
    if (!ahead) co_return;
    const std::int64_t found = ahead->count();
    const auto save = [found](Sink& sink) {
        sink.instances().save_server_clock(this_machine(), std::chrono::microseconds{found});
    };
    co_await instance.sink_pool.run(save);
}

}  // namespace glia
