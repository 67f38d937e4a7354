// The queue's average wait, sampled (spec: § Fetch Queue Average Wait Duration).
#include "daemon/sync/enrichment.hpp"

namespace glia {

Task<std::optional<Outcome>> sample_queue_wait(Engine& engine) {
    const auto every = std::chrono::duration_cast<Seconds>(engine.settings.enrich.queue_wait_every);
    // A little less than the whole time: two clocks never agree, and no turn should be missed for it.
    const Seconds turn{
        std::max<std::int64_t>(1, every.count() - std::min<std::int64_t>(every.count() / 10 + 1, 5))};
    const auto take = [turn](Sink& sink) { return sink.enrichments().take_wait_turn(turn); };
    if (!co_await engine.store.run(take)) co_return std::nullopt;
    const Instant now = engine.api.server_now();
    const auto waited = co_await engine.api.queue_wait();
    if (!waited) co_return Outcome{ending_of(waited.error()), waited.error().message};
    const std::string site = engine.settings.api.sites.front();
    const OptionalSeconds seconds = waited.value();
    const auto add = [site, now, seconds](Sink& sink) {
        sink.enrichments().add_wait_sample(site, now, seconds);
    };
    co_await engine.store.run(add);
    co_return Outcome{};
}

}  // namespace glia
