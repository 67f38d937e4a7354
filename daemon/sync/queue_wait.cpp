// The queue's average wait, sampled (spec: § Fetch Queue Average Wait Duration).
#include "daemon/sync/enrichment.hpp"

namespace glia {

Task<DrainResult> sample_queue_wait(Instance& instance) {
    const auto every = std::chrono::duration_cast<Seconds>(instance.settings.enrich.queue_wait_every);
    // Slightly shorter than the interval: the clocks of this machine and of the database differ, and that
    // must not skip a sample.
    const Seconds claim_every{
        std::max<std::int64_t>(1, every.count() - std::min<std::int64_t>(every.count() / 10 + 1, 5))};
    const auto claim = [claim_every](Sink& sink) {
        return sink.enrichments().claim_wait_sample(claim_every);
    };
    DrainResult result;
    std::optional<SinkError> failure;
    try {
        if (!co_await instance.sink_pool.run(claim)) co_return result;
        const Instant now = instance.api.server_now();
        const auto waited = co_await instance.api.queue_wait();
        if (!waited) co_return DrainResult{{exit_reason_of(waited.error()), waited.error().message}};
        const auto add = [site = instance.settings.api.sites.front(), now, seconds = waited.value()](
                             Sink& sink) { sink.enrichments().add_wait_sample(site, now, seconds); };
        co_await instance.sink_pool.run(add);
        ++result.fetched;
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) result.outcome = instance.exit_status_of(*failure);
    co_return result;
}

}  // namespace glia
