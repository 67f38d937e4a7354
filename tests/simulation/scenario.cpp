#include "tests/simulation/scenario.hpp"

#include <algorithm>
#include <iterator>

namespace simulation {

using glia::Milliseconds;
using glia::Seconds;
using namespace std::chrono_literals;

std::uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
}

const char* name_of(Event::Kind kind) {
    static constexpr const char* kNames[] = {
        "add",           "add-ongoing",   "add-late",     "end",          "change",     "transfer",
        "drop-cursors",  "outage",        "site-refused", "link-repeats", "bad-record", "detail-missing",
        "detail-fails",  "database-away", "crash",        "pause",        "restart",    "reset",
        "start-earlier", "change-back",   "date-jumps"};
    return kNames[static_cast<int>(kind)];
}

Scenario make_scenario(std::uint64_t seed) {
    Random random(seed * 0x2545f4914f6cdd1dULL + 1);
    Scenario s;
    s.seed = seed;
    s.source.order = static_cast<SourceSettings::Order>(random.between(0, 2));
    s.source.by = static_cast<SourceSettings::By>(random.between(0, 1));
    s.source.listed = static_cast<SourceSettings::Listed>(random.between(0, 2));
    s.source.per_page = static_cast<int>(random.between(1, 5));
    s.source.legs_in_list = random.one_in(4);
    s.source.start_is_exclusive = random.one_in(2);
    s.sites = static_cast<int>(random.between(1, 2));
    s.instances = static_cast<int>(random.between(1, 3));
    if (random.one_in(2)) s.backfillers = static_cast<int>(random.between(1, 3));
    s.window = Seconds{random.between(1, 6) * 600};
    s.groups_are_refused = random.one_in(3);
    s.end_shows_in_list = random.one_in(2);
    s.lost_answers_per_mille =
        random.one_in(2) ? static_cast<int>(random.between(0, random.one_in(4) ? 400 : 60)) : 0;
    s.sync.poll_every = Seconds{random.between(1, 3) * 60};
    s.sync.overlap = 10min;
    if (!random.one_in(4)) s.sync.revisit = {{5min, 1h}, {25min, 24h}};
    s.chaos = Seconds{random.between(10, 40) * 60};

    const auto event = [&](Event::Kind kind, std::int64_t longest) {
        Event e;
        e.kind = kind;
        e.at = Seconds{random.between(0, s.chaos.count())};
        e.whom = random.between(0, 1'000'000);
        e.length = Seconds{random.between(1, longest)};
        s.events.push_back(e);
    };
    using Kind = Event::Kind;
    for (std::int64_t i = random.between(4, 16); i > 0; --i) event(Kind::add, 300);
    for (std::int64_t i = random.between(0, 4); i > 0; --i) event(Kind::add_ongoing, 300);
    for (std::int64_t i = random.between(0, 3); i > 0; --i) event(Kind::add_late, 540);
    for (std::int64_t i = random.between(0, 5); i > 0; --i) event(Kind::end, 1);
    for (std::int64_t i = random.between(0, 8); i > 0; --i) event(Kind::change, 1);
    for (std::int64_t i = random.between(0, 4); i > 0; --i) event(Kind::transfer, 1);
    static constexpr Kind kFaults[] = {
        Kind::drop_cursors,   Kind::outage,       Kind::site_refused,  Kind::link_repeats, Kind::bad_record,
        Kind::detail_missing, Kind::detail_fails, Kind::database_away, Kind::crash,        Kind::pause,
        Kind::restart,        Kind::reset,        Kind::start_earlier};
    for (std::int64_t i = random.between(0, 6); i > 0; --i) {
        event(kFaults[random.between(0, std::size(kFaults) - 1)], 240);
        // A first pass is short: what may come into its way has to come early.
        if (s.events.back().kind == Kind::start_earlier) s.events.back().at = Seconds{random.between(1, 20)};
    }
    for (std::int64_t i = random.between(0, 8); i > 0; --i) event(Kind::change_back, 1);
    for (std::int64_t i = random.one_in(3) ? random.between(1, 3) : 0; i > 0; --i)
        event(Kind::date_jumps, 600);
    s.clocks_differ = random.one_in(3);
    // A backfill is short as well: records that it rejects have to be bad when it begins.
    for (std::int64_t i = random.one_in(4) ? random.between(1, 4) : 0; i > 0; --i) {
        event(Kind::bad_record, 240);
        s.events.back().at = Seconds{random.between(0, 20)};
    }
    std::stable_sort(s.events.begin(), s.events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
    return s;
}

std::string to_text(const Scenario& s, const std::vector<int>& kept) {
    std::string out = "order " + std::to_string(static_cast<int>(s.source.order)) + " by " +
                      std::to_string(static_cast<int>(s.source.by)) + " listed " +
                      std::to_string(static_cast<int>(s.source.listed)) + " per_page " +
                      std::to_string(s.source.per_page) + (s.source.legs_in_list ? " legs-in-list" : "") +
                      " backfillers " + std::to_string(s.backfillers) + " sites " + std::to_string(s.sites) +
                      " instances " + std::to_string(s.instances) +
                      (s.clocks_differ ? " clocks-differ" : "") + " revisit " +
                      std::to_string(s.sync.revisit.size()) + "\n";
    for (const int i : kept) {
        const Event& e = s.events[static_cast<std::size_t>(i)];
        out += "  " + std::to_string(e.at.count()) + "s " + name_of(e.kind) + " whom " +
               std::to_string(e.whom) + " length " + std::to_string(e.length.count()) + "s\n";
    }
    return out;
}

}  // namespace simulation
