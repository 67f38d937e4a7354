// A history before it happens: settings of the world and what befalls it, all from one seed. Removing an
// event from a scenario leaves the rest as it was, which is what makes shrinking work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config/settings.hpp"
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
        change_back,  ///< as it was before its last change
        date_jumps    ///< every second answer has a Date that is wrong by minutes or days
    };
    Kind kind = Kind::add;
    glia::Seconds at{};      ///< after the start
    std::int64_t whom = 0;   ///< engagement, site or instance, modulo their number
    glia::Seconds length{};  ///< how long, or how far
};

struct Scenario {
    std::uint64_t seed = 0;
    SourceSettings source;
    glia::SyncSettings sync;
    int sites = 1;
    int instances = 1;
    int backfillers = 0;              ///< instances that share a backfill, beside the services
    glia::Seconds window{};           ///< of that backfill
    bool groups_are_refused = false;  ///< some commits that go together have to be written one by one
    bool end_shows_in_list = true;
    int lost_answers_per_mille =
        0;                       ///< commits that happen but are not heard of, and failures that were none
    bool clocks_differ = false;  ///< machines' clocks are wrong, most of them by days
    glia::Seconds chaos{};       ///< how long things happen; after that it is calm
    std::vector<Event> events;
};

const char* name_of(Event::Kind kind);
Scenario make_scenario(std::uint64_t seed);
std::string to_text(const Scenario& scenario, const std::vector<int>& kept);

}  // namespace simulation
