// Microbenchmarks: parsing against simdjson's own walk over the same page, hashing, merging.
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "daemon/parse/engagement_parser.hpp"
#include "sinks/content_hash.hpp"
#include "tests/simulator/world.hpp"

namespace {

std::string page(bool with_legs) {
    simulator::WorldSettings settings;
    settings.engagements = 100;
    settings.to_ms = 1'700'000'000'000;
    settings.from_ms = settings.to_ms - 86'400'000;
    const simulator::World world(settings);
    std::string body = "{\"next_page\":null,\"engagements\":[";
    for (std::uint32_t i = 0; i < 100; ++i) body += (i ? "," : "") + world.list_item(world.get(i), with_legs);
    return body + "]}";
}

/// The floor: simdjson reads the page into its own tape and nothing is kept.
void simdjson_alone(benchmark::State& state) {
    const simdjson::padded_string body(page(state.range(0) != 0));
    simdjson::dom::parser parser;
    for (auto _ : state) benchmark::DoNotOptimize(parser.parse(body).error());
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(simdjson_alone)->Arg(0)->Arg(1)->ArgName("legs");

void parse_page(benchmark::State& state) {
    std::string body = page(state.range(0) != 0);
    glia::EngagementParser parser;
    for (auto _ : state) benchmark::DoNotOptimize(parser.page(body).value->engagements.size());
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(parse_page)->Arg(0)->Arg(1)->ArgName("legs");

void parse_page_with_a_bad_record(benchmark::State& state) {
    std::string body = page(false);
    body.replace(body.find("\"created_at\":\"") + 14, 4, "soon");
    glia::EngagementParser parser;
    for (auto _ : state) benchmark::DoNotOptimize(parser.page(body).value->rejected.size());
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(parse_page_with_a_bad_record);

void hash_engagements(benchmark::State& state) {
    std::string body = page(true);
    glia::EngagementParser parser;
    const auto engagements = parser.page(body).value->engagements;
    for (auto _ : state) {
        for (const auto& engagement : engagements) {
            benchmark::DoNotOptimize(glia::core_hash(engagement));
            benchmark::DoNotOptimize(glia::legs_hash(*engagement.legs));
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * engagements.size()));
}
BENCHMARK(hash_engagements);

}  // namespace

BENCHMARK_MAIN();
