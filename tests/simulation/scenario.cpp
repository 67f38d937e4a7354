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
    static constexpr const char* kNames[] = {"add",
                                             "add-ongoing",
                                             "add-late",
                                             "end",
                                             "change",
                                             "transfer",
                                             "drop-cursors",
                                             "outage",
                                             "site-refused",
                                             "link-repeats",
                                             "bad-record",
                                             "detail-missing",
                                             "detail-fails",
                                             "database-away",
                                             "crash",
                                             "pause",
                                             "restart",
                                             "reset",
                                             "start-earlier",
                                             "change-back",
                                             "date-jumps",
                                             "content-fails",
                                             "value-refused",
                                             "token-refused",
                                             "forget",
                                             "remove",
                                             "bring-back",
                                             "listing-hides",
                                             "site-forgotten",
                                             "verify",
                                             "operator-comes",
                                             "operator-renamed",
                                             "operator-disabled",
                                             "operator-goes",
                                             "operator-returns",
                                             "operator-unreadable",
                                             "listing-refused",
                                             "listing-fails"};
    return kNames[static_cast<int>(kind)];
}

namespace {

/// Adds the directory's part. Uses its own random numbers, so that the engagements' part does not change.
void add_directory(Scenario& s) {
    Random random(s.seed * 0x9e6c63d0676a9a99ULL + 3);
    DirectoryScenario& d = s.directory;
    d.sites = static_cast<int>(random.between(1, 2));
    d.instances = static_cast<int>(random.between(1, 2));
    d.operators = static_cast<int>(random.between(1, 8));
    d.per_page = static_cast<int>(random.between(1, 4));
    d.every = Seconds{random.between(2, 6) * 900};
    d.chaos = Seconds{random.between(2, 10) * 3600};
    const auto event = [&](Event::Kind kind, std::int64_t longest) {
        s.events.push_back({kind, Seconds{random.between(0, d.chaos.count())}, random.between(0, 1'000'000),
                            Seconds{random.between(1, longest)}, true});
    };
    using Kind = Event::Kind;
    for (std::int64_t i = random.between(0, 4); i > 0; --i) event(Kind::operator_comes, 1);
    for (std::int64_t i = random.between(0, 6); i > 0; --i) event(Kind::operator_renamed, 100);
    for (std::int64_t i = random.between(0, 3); i > 0; --i) event(Kind::operator_disabled, 1);
    for (std::int64_t i = random.between(0, 6); i > 0; --i) event(Kind::operator_goes, 1);
    for (std::int64_t i = random.between(0, 4); i > 0; --i) event(Kind::operator_returns, 1);
    for (std::int64_t i = random.one_in(3) ? random.between(1, 2) : 0; i > 0; --i)
        event(Kind::operator_unreadable, 7200);
    for (std::int64_t i = random.one_in(4) ? random.between(1, 2) : 0; i > 0; --i)
        event(Kind::listing_refused, 14'400);
    static constexpr Kind kFaults[] = {Kind::listing_fails, Kind::link_repeats, Kind::drop_cursors,
                                       Kind::outage,        Kind::date_jumps,   Kind::database_away,
                                       Kind::crash,         Kind::pause,        Kind::restart};
    for (std::int64_t i = random.between(0, 5); i > 0; --i)
        event(kFaults[random.between(0, std::size(kFaults) - 1)], random.one_in(2) ? 300 : 5400);
}

/// Adds removals at the source, hidden engagements and verifications. Uses its own random numbers, so that
/// the other parts do not change.
void add_presence(Scenario& s) {
    Random random(s.seed * 0xd6e8feb86659fd93ULL + 5);
    const auto event = [&](Event::Kind kind, std::int64_t longest) {
        s.events.push_back({kind, Seconds{random.between(0, s.chaos.count())}, random.between(0, 1'000'000),
                            Seconds{random.between(1, longest)}, false});
    };
    using Kind = Event::Kind;
    // Fewer than the number that always counts as plausible.
    for (std::int64_t i = random.between(0, 3); i > 0; --i) event(Kind::remove, 1);
    if (random.one_in(3)) event(Kind::bring_back, 1);
    for (std::int64_t i = random.one_in(3) ? random.between(1, 2) : 0; i > 0; --i)
        event(Kind::listing_hides, 900);
    if (random.one_in(4)) event(Kind::site_forgotten, 1200);
    for (std::int64_t i = random.between(0, 2); i > 0; --i) event(Kind::verify, 1);
    s.verified_beside_services = random.one_in(2);
}

/// Adds bursts of changes to one engagement, and sites that are refused while a backfill begins. Uses its own
/// random numbers, so that the other parts do not change. Few other histories have two of these events at the
/// same moment.
void add_bursts(Scenario& s) {
    Random random(s.seed * 0xa24baed4963ee407ULL + 7);
    using Kind = Event::Kind;
    const auto event = [&](Kind kind, Seconds at, std::int64_t subject, std::int64_t longest) {
        s.events.push_back({kind, at, subject, Seconds{random.between(1, longest)}, false});
    };
    if (random.one_in(8)) {
        s.responses_are_slow = true;
        for (std::int64_t bursts = random.between(10, 40); bursts > 0; --bursts) {
            const std::int64_t subject = random.between(0, 1'000'000);
            const Seconds at{random.between(0, s.chaos.count())};
            event(Kind::change, at, subject, 1);
            event(Kind::change_back, at + Seconds{random.between(1, 30)}, subject, 1);
        }
    }
    if (s.backfillers > 0 && random.one_in(8))
        event(Kind::site_refused, Seconds{random.between(0, 20)}, random.between(0, 1'000'000), 600);
}

}  // namespace

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
    s.lost_responses_per_mille =
        random.one_in(2) ? static_cast<int>(random.between(0, random.one_in(4) ? 400 : 60)) : 0;
    s.sync.poll_every = Seconds{random.between(1, 3) * 60};
    s.sync.overlap = 10min;
    if (!random.one_in(4)) s.sync.revisit = {{5min, 1h}, {25min, 24h}};
    s.chaos = Seconds{random.between(10, 40) * 60};

    const auto event = [&](Event::Kind kind, std::int64_t longest) {
        Event e;
        e.kind = kind;
        e.at = Seconds{random.between(0, s.chaos.count())};
        e.subject = random.between(0, 1'000'000);
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
        // A first pass is short, so an event that is to interrupt it has to come early.
        if (s.events.back().kind == Kind::start_earlier) s.events.back().at = Seconds{random.between(1, 20)};
    }
    for (std::int64_t i = random.between(0, 8); i > 0; --i) event(Kind::change_back, 1);
    for (std::int64_t i = random.one_in(3) ? random.between(1, 3) : 0; i > 0; --i)
        event(Kind::date_jumps, 600);
    s.clocks_differ = random.one_in(3);
    // A backfill is short too, so the records that it rejects have to be bad from its start.
    for (std::int64_t i = random.one_in(4) ? random.between(1, 4) : 0; i > 0; --i) {
        event(Kind::bad_record, 240);
        s.events.back().at = Seconds{random.between(0, 20)};
    }
    s.enrichers.transcripts = random.one_in(2);
    s.enrichers.recordings = random.one_in(4);
    s.enrichers_come_late = random.one_in(4);
    s.source.transcripts_change = random.one_in(4);
    for (std::int64_t i = random.one_in(3) ? random.between(1, 3) : 0; i > 0; --i)
        event(Kind::content_fails, 240);
    for (std::int64_t i = random.one_in(4) ? random.between(1, 2) : 0; i > 0; --i)
        event(Kind::value_refused, 240);
    if (random.one_in(6)) event(Kind::token_refused, 240);
    for (std::int64_t i = random.one_in(4) ? random.between(1, 3) : 0; i > 0; --i) event(Kind::forget, 1);
    add_presence(s);
    add_bursts(s);
    add_directory(s);
    std::stable_sort(s.events.begin(), s.events.end(),
                     [](const Event& a, const Event& b) { return a.at < b.at; });
    return s;
}

std::string to_text(const Scenario& s, const std::vector<int>& kept) {
    std::string out =
        "order " + std::to_string(static_cast<int>(s.source.order)) + " by " +
        std::to_string(static_cast<int>(s.source.by)) + " listed " +
        std::to_string(static_cast<int>(s.source.listed)) + " per_page " + std::to_string(s.source.per_page) +
        (s.source.legs_in_list ? " legs-in-list" : "") + " backfillers " + std::to_string(s.backfillers) +
        " sites " + std::to_string(s.sites) + " instances " + std::to_string(s.instances) +
        (s.enrichers.transcripts ? " transcripts" : "") + (s.enrichers.recordings ? " recordings" : "") +
        (s.enrichers_come_late ? " enrichers-come-late" : "") + (s.clocks_differ ? " clocks-differ" : "") +
        " revisit " + std::to_string(s.sync.revisit.size()) + "\n  directory: sites " +
        std::to_string(s.directory.sites) + " instances " + std::to_string(s.directory.instances) +
        " operators " + std::to_string(s.directory.operators) + " per_page " +
        std::to_string(s.directory.per_page) + " every " + std::to_string(s.directory.every.count() / 1000) +
        "s\n";
    for (const int i : kept) {
        const Event& e = s.events[static_cast<std::size_t>(i)];
        out += "  " + std::to_string(e.at.count()) + (e.of_directory ? "s directory " : "s ") +
               name_of(e.kind) + " subject " + std::to_string(e.subject) + " length " +
               std::to_string(e.length.count()) + "s\n";
    }
    return out;
}

}  // namespace simulation
