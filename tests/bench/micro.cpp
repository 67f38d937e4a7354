// Microbenchmarks: parsing compared with simdjson alone on the same page, hashing, encoding for COPY,
// building a batch.
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <chrono>

#include "daemon/parse/engagement_parser.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "sinks/postgres/tables.hpp"
#include "sinks/record_hash.hpp"
#include "tests/simulator/world.hpp"

namespace {

simulator::World world_of_a_day() {
    simulator::WorldSettings settings;
    settings.engagements = 100;
    settings.to_ms = 1'700'000'000'000;
    settings.from_ms = settings.to_ms - 86'400'000;
    return simulator::World(settings);
}

std::string page(bool with_legs) {
    const simulator::World world = world_of_a_day();
    std::string body = "{\"next_page\":null,\"engagements\":[";
    for (std::uint32_t i = 0; i < 100; ++i) body += (i ? "," : "") + world.list_item(world.get(i), with_legs);
    return body + "]}";
}

/// The lower bound: simdjson parses the page into its tape, and nothing is stored.
void simdjson_alone(benchmark::State& state) {
    const simdjson::padded_string body(page(state.range(0) != 0));
    simdjson::dom::parser parser;
    for (auto _ : state) benchmark::DoNotOptimize(parser.parse(body).error());
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}
BENCHMARK(simdjson_alone)->Arg(0)->Arg(1)->ArgName("legs");

/// A body with the capacity that the HTTP client gives it.
std::string received(const std::string& text) {
    std::string body;
    body.reserve(text.size() + glia::EngagementParser::kSpare);
    body = text;
    return body;
}

/// Measures `parse(parser, body)` and the destruction of its result. Each iteration needs a new body, because
/// the parser moves from it; the time to create it is not measured.
template <typename Parse>
void time_parsing(benchmark::State& state, const std::string& text, Parse parse) {
    using Clock = std::chrono::steady_clock;
    glia::EngagementParser parser;
    for (auto _ : state) {
        std::string body = received(text);
        const auto start = Clock::now();
        benchmark::DoNotOptimize(parse(parser, body));
        state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

std::size_t engagements_of(glia::EngagementParser& parser, std::string& body) {
    return parser.page(body).value->engagements.size();
}

void parse_page(benchmark::State& state) {
    time_parsing(state, page(state.range(0) != 0), engagements_of);
}
BENCHMARK(parse_page)->Arg(0)->Arg(1)->ArgName("legs")->UseManualTime();

/// GET /engagements/{id}, one at a time.
void parse_detail(benchmark::State& state) {
    const simulator::World world = world_of_a_day();
    time_parsing(state, world.list_item(world.get(0), true),
                 [](glia::EngagementParser& parser, std::string& body) {
                     return parser.detail(body).value->engagement.has_value();
                 });
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(parse_detail)->UseManualTime();

void parse_page_with_a_bad_record(benchmark::State& state) {
    std::string body = page(false);
    body.replace(body.find("\"created_at\":\"") + 14, 4, "soon");
    time_parsing(state, body, engagements_of);
}
BENCHMARK(parse_page_with_a_bad_record)->UseManualTime();

/// Members that the documentation does not know, in every record.
void parse_page_with_undocumented_members(benchmark::State& state) {
    std::string body = page(false);
    const std::string more = R"("mood":"good","score":{"of":[1,2.50,null],"by":"survey"},)",
                      before = "\"engagement_type\"";
    for (std::size_t at = 0; (at = body.find(before, at)) != std::string::npos;
         at += more.size() + before.size())
        body.insert(at, more);
    time_parsing(state, body, engagements_of);
}
BENCHMARK(parse_page_with_undocumented_members)->UseManualTime();

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

/// Adds a page's engagements to a batch, like a pass.
void gather_batch(benchmark::State& state) {
    const std::string body = page(true);
    glia::EngagementParser parser;
    const glia::SyncSettings sync;
    std::size_t gathered = 0;
    for (auto _ : state) {
        state.PauseTiming();
        std::string taken = body;
        auto page = parser.page(taken);
        state.ResumeTiming();
        glia::Batch batch;
        for (auto& engagement : page.value->engagements) {
            glia::add_to_batch(batch, std::move(engagement), glia::RecordSource::list, glia::AskedAt{},
                               "site", sync);
        }
        gathered += batch.engagements.size();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(gathered));
}
BENCHMARK(gather_batch);

void encode_rows(benchmark::State& state) {
    namespace pg = glia::postgres;
    const auto encoding = state.range(0) != 0 ? pg::Rows::Encoding::json : pg::Rows::Encoding::copy;
    std::string body = page(true);
    glia::EngagementParser parser;
    const auto engagements = parser.page(body).value->engagements;
    std::size_t bytes = 0;
    for (auto _ : state) {
        pg::Rows rows(pg::EngagementTable::table(), encoding),
            operators(pg::OperatorTable::table(), encoding), queues(pg::QueueRefTable::table(), encoding),
            recordings(pg::RecordingTable::table(), encoding), legs(pg::LegTable::table(), encoding),
            leg_queues(pg::LegQueueTable::table(), encoding);
        for (const auto& engagement : engagements) {
            pg::EngagementTable::add(rows, engagement, {});
            pg::add_operators(operators, engagement);
            pg::add_queue_refs(queues, engagement);
            pg::add_recordings(recordings, engagement);
            pg::add_legs(legs, leg_queues, engagement);
        }
        for (pg::Rows* each : {&rows, &operators, &queues, &recordings, &legs, &leg_queues}) {
            if (encoding == pg::Rows::Encoding::json) {
                bytes += std::move(*each).finished().size();
            } else {
                for (const std::string& slice : std::move(*each).slices()) bytes += slice.size();
            }
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * engagements.size()));
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(encode_rows)->Arg(0)->Arg(1)->ArgName("json");

}  // namespace

BENCHMARK_MAIN();
