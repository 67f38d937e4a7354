// The plan of a history: the settings of the world and its events, all from one seed. Removing an event does
// not change the others, so that shrinking works.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config/settings.hpp"
#include "sinks/enrichment.hpp"
#include "tests/simulation/source.hpp"

namespace simulation {

/// Small, fast and the same everywhere (SplitMix64).
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    /// In [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high);
    bool one_in(int n) { return between(1, n) == 1; }
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  private:
    std::uint64_t state_;
};

struct Event {
    enum class Kind {
        add,
        add_ongoing,
        add_late,  ///< requested a while ago, listed only now
        end,
        change,
        transfer,
        drop_cursors,
        outage,
        site_refused,
        link_repeats,
        bad_record,
        detail_missing,
        detail_fails,
        database_away,
        crash,
        pause,
        restart,
        reset,
        start_earlier,
        change_back,  ///< the engagement returns to its state before the last change
        date_jumps,   ///< every second response has a Date that is wrong by minutes or days
        content_fails,
        value_refused,  ///< the database refuses a transcript
        token_refused,
        forget,  ///< an engagement is erased for good
        remove,  ///< the source removes an engagement: neither listed nor found by its id
        bring_back,
        listing_hides,   ///< listings of a site omit many engagements, which GET finds
        site_forgotten,  ///< listings of a site are empty, and GET finds nothing of it
        verify,
        operator_comes,
        operator_renamed,
        operator_disabled,  ///< or enabled again
        operator_goes,      ///< from one site
        operator_returns,
        operator_unreadable,
        listing_refused,
        listing_fails  ///< after its first page
    };
    Kind kind = Kind::add;
    glia::Seconds at{};         ///< after the start
    std::int64_t subject = 0;   ///< engagement, site or instance, modulo their number
    glia::Seconds length{};     ///< how long, or how far
    bool of_directory = false;  ///< an event of the directory's world
};

/// The directory's part, with its own virtual time.
struct DirectoryScenario {
    int sites = 1;
    int instances = 1;
    int operators = 0;
    int per_page = 3;
    glia::Milliseconds every{};
    glia::Seconds chaos{};
};

struct Scenario {
    std::uint64_t seed = 0;
    SourceSettings source;
    glia::SyncSettings sync;
    int sites = 1;
    int instances = 1;
    int backfillers = 0;              ///< instances that share a backfill, in addition to the services
    glia::Seconds window{};           ///< length of that backfill's windows
    bool groups_are_refused = false;  ///< some shared transactions fail: commits go one by one
    bool end_shows_in_list = true;
    glia::EnabledEnrichers enrichers;
    bool enrichers_come_late = false;       ///< enrichers are off at the start
    int lost_responses_per_mille = 0;       ///< share of calls that fail, or succeed but report a failure
    bool responses_are_slow = false;        ///< every third takes seconds
    bool clocks_differ = false;             ///< machines' clocks are wrong, most of them by days
    glia::Seconds chaos{};                  ///< duration of the part with events
    bool verified_beside_services = false;  ///< services run during the final verification
    DirectoryScenario directory;
    std::vector<Event> events;
};

const char* name_of(Event::Kind kind);
Scenario make_scenario(std::uint64_t seed);
std::string to_text(const Scenario& scenario, const std::vector<int>& kept);

}  // namespace simulation
