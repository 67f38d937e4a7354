#include "tests/simulation/history.hpp"

#include <algorithm>
#include <memory>

#include "sinks/invariant.hpp"
#include "tests/simulation/backfiller.hpp"
#include "tests/simulation/service.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;

const Instant kStart = Instant{std::chrono::sys_days{std::chrono::year{2024} / 5 / 1}};
// Longer than two rounds of the widest revisit tier, and than any wait for a failed detail.
constexpr Seconds kCalm = 65min;

class History {
  public:
    History(const Scenario& scenario, const std::vector<int>& kept, bool trace)
        : scenario_(scenario), world_(scenario, trace), start_from_(kStart - 1h) {
        world_.database.on_watermark = [this](const std::string& site, const OpenPass& pass,
                                              Instant watermark) {
            check_read(site, pass.from, std::nullopt, watermark, "the watermark moves");
            if (watermark > world_.now()) wrong("a watermark in the future");
        };
        world_.database.on_window_done = [this](const WindowTarget& target, const OpenPass& pass) {
            check_read(target.site_id, pass.from, pass.to, *pass.started_at, "a window is done");
        };
        world_.run(kStart);
        populate();
        SyncSettings sync = scenario.sync;
        sync.start_from = start_from_;
        for (int i = 0; i < scenario.instances; ++i) {
            instances_.push_back(std::make_unique<Service>(world_, i, sync));
        }
        for (int i = 0; i < scenario.backfillers; ++i) {
            auto backfiller =
                std::make_unique<Backfiller>(world_, scenario.instances + i, sync, backfill_spec());
            backfillers_.push_back(backfiller.get());
            instances_.push_back(std::move(backfiller));
        }
        for (const int i : kept) {
            const Event event = scenario.events[static_cast<std::size_t>(i)];
            world_.at(kStart + event.at, [this, event] { befall(event); });
        }
    }

    std::string run() {
        for (auto& instance : instances_) instance->start();
        const Instant calm = kStart + scenario_.chaos;
        world_.run(calm);
        calm_down();
        world_.run(calm + kCalm);
        for (auto& instance : instances_) instance->stop(nullptr);
        world_.run(calm + kCalm + 5min);
        if (world_.database.violation.empty()) check_the_end(calm + kCalm);
        return world_.database.violation;
    }

  private:
    void wrong(const std::string& what) {
        if (world_.database.violation.empty()) world_.database.violation = what;
    }

    BackfillSpec backfill_spec() const {
        BackfillSpec spec;
        spec.from = kStart - 2h;
        spec.to = kStart;
        spec.window = scenario_.window;
        for (int i = 0; i < scenario_.sites; ++i) spec.sites.push_back("s" + std::to_string(i));
        return spec;
    }

    /// What was there before anything began.
    void populate() {
        Random random(scenario_.seed + 77);
        for (std::int64_t i = random.between(0, 16); i > 0; --i) {
            const Instant requested = kStart - Seconds{random.between(60, 7200)};
            world_.source.add(requested, requested + 20s, some_sites(random.between(0, 5)), 0s, false);
        }
    }

    std::vector<std::string> some_sites(std::int64_t whom) const {
        if (whom % 5 == 0 && scenario_.sites > 1) return {"s0", "s1"};
        return {"s" + std::to_string(whom % scenario_.sites)};
    }

    Item* some_item(std::int64_t whom) {
        auto& items = world_.source.items();
        if (items.empty()) return nullptr;
        return &items[static_cast<std::size_t>(whom) % items.size()];
    }

    void befall(const Event& event) {
        world_.tell("event", name_of(event.kind));
        using Kind = Event::Kind;
        const Instant now = world_.now();
        Process& instance = *instances_[static_cast<std::size_t>(event.whom) % instances_.size()];
        const auto trouble = [&](Trouble::Kind kind, const std::string& whom) {
            world_.source.trouble({kind, now + event.length, whom});
        };
        Item* item = some_item(event.whom);
        switch (event.kind) {
            case Kind::add:
                // Half of them share their second with another: ties.
                world_.source.add(event.whom % 2 ? now : std::chrono::floor<std::chrono::minutes>(now), now,
                                  some_sites(event.whom), Seconds{event.whom % 3 ? 0 : event.length.count()},
                                  false);
                break;
            case Kind::add_ongoing:
                world_.source.add(now, now, some_sites(event.whom), Seconds{event.length.count() / 2}, true);
                break;
            case Kind::add_late:
                world_.source.add(now - event.length, now, some_sites(event.whom), 0s, false);
                break;
            case Kind::end:
                for (Item& one : world_.source.items()) {
                    if (one.ongoing && one.number % 2 == event.whom % 2)
                        world_.source.end(one, now, scenario_.end_shows_in_list);
                }
                break;
            case Kind::change:
                if (item) world_.source.change(*item);
                break;
            case Kind::transfer:
                if (item) world_.source.transfer(*item, now);
                break;
            case Kind::change_back:
                if (item) world_.source.change_back(*item);
                break;
            case Kind::date_jumps: {
                // Ahead or behind, up to a day. A Date of a slow answer is read with its uncertainty: less
                // than this could pass for agreement.
                const std::int64_t most = event.whom % 3 == 0 ? 86'400 : 600;
                const std::int64_t by = (150 + event.whom % most) * (event.whom % 2 ? 1 : -1);
                trouble(Trouble::Kind::date_jumps, std::to_string(by));
                break;
            }
            case Kind::drop_cursors:
                world_.source.forget_cursors();
                break;
            case Kind::outage:
                trouble(Trouble::Kind::outage, "");
                break;
            case Kind::site_refused:
                trouble(Trouble::Kind::site_refused, "s" + std::to_string(event.whom % scenario_.sites));
                break;
            case Kind::link_repeats:
                trouble(Trouble::Kind::link_repeats, "");
                break;
            case Kind::bad_record:
                // Several, so that batches of different windows have rejected records at once.
                for (std::int64_t i = 0; i < 3; ++i) {
                    if (const Item* bad = some_item(event.whom + i)) {
                        trouble(Trouble::Kind::bad_record, bad->id);
                        world_.ever_bad.insert(bad->id);
                    }
                }
                break;
            case Kind::detail_missing:
                if (item) trouble(Trouble::Kind::detail_missing, item->id);
                break;
            case Kind::detail_fails:
                if (item) trouble(Trouble::Kind::detail_fails, item->id);
                break;
            case Kind::database_away:
                world_.database_back_at = now + event.length;
                break;
            case Kind::crash:
                instance.crash();
                world_.at(now + event.length, [&instance] {
                    if (!instance.running()) instance.start();
                });
                break;
            case Kind::pause:
                instance.pause(event.length);
                break;
            case Kind::start_earlier:
                instance.sync.start_from = kStart - 3h;
                [[fallthrough]];
            case Kind::restart:
                instance.stop([&instance] { instance.start(); });
                break;
            case Kind::reset:
                world_.database.now = now;
                world_.database.reset({"s" + std::to_string(event.whom % scenario_.sites)},
                                      now - event.length * 10);
                break;
        }
    }

    void calm_down() {
        world_.tell("calm");
        world_.source.calm();
        world_.database_back_at = Instant{};
        for (Item& item : world_.source.items())
            world_.source.end(item, world_.now(), scenario_.end_shows_in_list);
        for (auto& instance : instances_) {
            if (!instance->running()) instance->start();
        }
    }

    /// Everything that a listing asked for at `asked` shows, from `from` to `to`, is stored.
    void check_read(const std::string& site, Instant from, OptionalInstant to, Instant asked,
                    const std::string& when) {
        for (const Item& item : world_.source.items()) {
            const Instant key = world_.source.key_time(item);
            const bool listed = item.visible_at && *item.visible_at <= asked && key >= from &&
                                (!to || key <= *to) &&
                                std::find(item.sites.begin(), item.sites.end(), site) != item.sites.end();
            if (!listed || world_.ever_bad.count(item.id)) continue;
            const auto row = world_.database.rows.find(item.id);
            if (row == world_.database.rows.end() || !row->second.sites.count(site)) {
                std::string what = when;
                wrong(what.append(" although ")
                          .append(item.id)
                          .append(" of ")
                          .append(site)
                          .append(" is not stored"));
            }
        }
    }

    /// Would a pass after the end of its trouble have met it? Without revisits only the overlap reads again.
    bool must_be_there(const Item& item) const {
        if (!item.visible_at) return false;
        const Instant key = world_.source.key_time(item);
        if (!scenario_.sync.revisit.empty()) return true;
        return key >= start_from_ && *item.visible_at - key < 9min && !world_.ever_bad.count(item.id);
    }

    void check_the_end(Instant end) {
        const ModelDatabase& database = world_.database;
        const bool revisits = !scenario_.sync.revisit.empty();
        for (const Item& item : world_.source.items()) {
            if (!must_be_there(item)) continue;
            const auto found = database.rows.find(item.id);
            if (found == database.rows.end()) return wrong(item.id + " is missing");
            const ModelDatabase::Row& row = found->second;
            for (const std::string& site : item.sites) {
                if (revisits && !row.sites.count(site)) return wrong(item.id + " is missing in " + site);
            }
            if (!row.state.legs_fetched_at) return wrong("the legs of " + item.id + " are missing");
            if (const std::string what = database.behind(item.id); !what.empty()) return wrong(what);
            if (!revisits) continue;
            const Engagement truth = world_.source.record(item, true);
            if (!ModelDatabase::same_core(row.core, truth))
                return wrong(item.id + " is not as at the source");
            if (row.legs != *truth.legs) return wrong("the legs of " + item.id + " are not as at the source");
        }
        for (const auto& [id, row] : database.rows) {
            if (std::none_of(world_.source.items().begin(), world_.source.items().end(),
                             [&, &name = id](const Item& item) { return item.id == name; }))
                return wrong(id + " is not at the source");
        }
        if (!database.details.empty()) return wrong("the detail queue is not empty");
        if (!database.ongoing.empty()) return wrong("an engagement that has ended counts as ongoing");
        if (revisits && !database.rejected_open.empty()) return wrong("a loaded record counts as rejected");
        for (const auto& [id, site] : database.sites) {
            // One whose giving back went unheard runs out by itself.
            if (!site.lease_owner.empty() && site.lease_expires_at > world_.now())
                return wrong("the lease on " + id + " is not given back");
            // A machine whose clock is behind holds the watermark back, and reads all of that time in each
            // pass.
            const Time slack = slowest_clock() < Time{0} ? Time{40min} : Time{12min};
            if (!site.synced_through || *site.synced_through < end + slowest_clock() - slack)
                return wrong("the watermark of " + id + " stays behind");
        }
        for (const ModelDatabase::Window& window : database.windows) {
            if (!window.done) return wrong("a window of the backfill is not done");
        }
        for (const Backfiller* backfiller : backfillers_) {
            if (!backfiller->complete()) return wrong(backfiller->owner() + " does not end");
        }
        for (const auto& instance : instances_) {
            if (!instance->idle()) return wrong(instance->owner() + " does not stop");
        }
    }

    /// How far the clock of the machine that is most behind is from the truth; zero if none is behind.
    Time slowest_clock() const {
        Time ahead{0};
        for (const auto& instance : instances_) ahead = std::min(ahead, instance->clock_ahead());
        return ahead;
    }

    const Scenario& scenario_;
    World world_;
    Instant start_from_;
    std::vector<std::unique_ptr<Process>> instances_;
    std::vector<const Backfiller*> backfillers_;
};

}  // namespace

std::string run_history(const Scenario& scenario, const std::vector<int>& kept, bool trace) {
    try {
        History history(scenario, kept, trace);
        return history.run();
    } catch (const InvariantBroken& broken) {
        return broken.what();
    }
}

std::vector<int> all_events(const Scenario& scenario) {
    std::vector<int> all(scenario.events.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
    return all;
}

std::vector<int> shrink(const Scenario& scenario) {
    std::vector<int> kept = all_events(scenario);
    // Halves first, then ever smaller pieces.
    for (std::size_t size = std::max<std::size_t>(1, kept.size() / 2);;
         size = std::max<std::size_t>(1, size / 2)) {
        bool smaller = false;
        for (std::size_t begin = 0; begin < kept.size();) {
            std::vector<int> fewer = kept;
            const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(begin);
            fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(size, fewer.size() - begin)));
            if (!run_history(scenario, fewer).empty()) {
                kept = std::move(fewer);
                smaller = true;
            } else {
                begin += size;
            }
        }
        if (size == 1 && !smaller) return kept;
    }
}

}  // namespace simulation
