// The queue's average wait, sampled (spec: § Fetch Queue Average Wait Duration).
#include "daemon/sync/enrichment.hpp"

namespace glia {

Task<DrainResult> sample_queue_wait(Engine& engine) {
    const auto every = std::chrono::duration_cast<Seconds>(engine.settings.enrich.queue_wait_every);
    // A little less than the whole time: two clocks never agree, and no turn should be missed for it.
    const Seconds turn{
        std::max<std::int64_t>(1, every.count() - std::min<std::int64_t>(every.count() / 10 + 1, 5))};
    const auto take = [turn](Sink& sink) { return sink.enrichments().take_wait_turn(turn); };
    DrainResult result;
    std::optional<SinkError> failure;
    try {
        if (!co_await engine.store.run(take)) co_return result;
        const Instant now = engine.api.server_now();
        const auto waited = co_await engine.api.queue_wait();
        if (!waited) co_return DrainResult{{ending_of(waited.error()), waited.error().message}};
        const auto add = [site = engine.settings.api.sites.front(), now, seconds = waited.value()](
                             Sink& sink) { sink.enrichments().add_wait_sample(site, now, seconds); };
        co_await engine.store.run(add);
        ++result.fetched;
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) result.outcome = engine.outcome_of(*failure);
    co_return result;
}

}  // namespace glia
