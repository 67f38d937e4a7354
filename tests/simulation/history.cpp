#include "tests/simulation/history.hpp"

#include <algorithm>
#include <memory>

#include "sinks/invariant.hpp"
#include "tests/simulation/directory_history.hpp"
#include "tests/simulation/final_verification.hpp"
#include "tests/simulation/rest_state.hpp"
#include "tests/simulation/service.hpp"
#include "tests/simulation/verifier.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;

// Longer than two intervals of the widest revisit tier and than any pause before a failed detail is retried.
constexpr Seconds kTimeToRest = 65min;

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
        world_.database.can_verify = true;
        world_.database.on_missing = [this](const auto& gone) { check_missing(gone); };
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
        auto verifier = std::make_unique<Verifier>(world_, scenario.instances + scenario.backfillers, sync);
        verifier_ = verifier.get();
        instances_.push_back(std::move(verifier));
        if (scenario.enrichers_come_late) {
            world_.at(kStart + scenario.chaos / 2, [this] { enable_enrichers(); });
        } else {
            for (auto& instance : instances_) instance->enrichers = scenario.enrichers;
        }
        for (const int i : kept) {
            const Event event = scenario.events[static_cast<std::size_t>(i)];
            if (event.of_directory) continue;
            world_.at(kStart + event.at, [this, event] { apply_event(event); });
        }
    }

    std::string run() {
        for (auto& instance : instances_) instance->start();
        const Instant chaos_end = kStart + scenario_.chaos;
        world_.run(chaos_end);
        end_chaos();
        Instant end = chaos_end + kTimeToRest;
        world_.run(end);
        if (has_unmarked()) {
            // A database that loses many responses may have prevented marks: continues without lost
            // responses.
            world_.is_reliable = true;
            end += kTimeToRest;
            world_.run(end);
        }
        for (auto& instance : instances_) instance->stop(nullptr);
        world_.run(end + 5min);
        if (world_.database.violation.empty()) wrong(fault_at_end(rest_state(), end));
        if (world_.database.violation.empty() && !scenario_.sync.revisit.empty())
            FinalVerification(world_, *verifier_, instances_).run();
        if (world_.database.violation.empty()) wrong(fault_of_engagements(rest_state()));
        return world_.database.violation;
    }

  private:
    void wrong(const std::string& what) {
        if (world_.database.violation.empty()) world_.database.violation = what;
    }

    bool has_unmarked() const {
        const auto& items = world_.source.items();
        return std::any_of(items.begin(), items.end(), [this](const Item& item) {
            const auto row = world_.database.rows.find(item.id);
            return item.is_removed && row != world_.database.rows.end() && !row->second.missing_since;
        });
    }

    RestState rest_state() const { return {scenario_, world_, start_from_, instances_, backfillers_}; }

    /// Checks that no engagement is wrongly marked as missing. Exception: a plausible number of engagements
    /// for which GET responds with 404.
    void check_missing(const std::vector<GoneEngagement>& gone) {
        std::size_t denied = 0;
        for (const GoneEngagement& one : gone) {
            const Item* item = world_.source.find(one.engagement_id);
            if (!item || item->was_removed) continue;
            if (!world_.source.was_denied(item->id))
                wrong(item->id + " is marked as missing, but the source has it");
            ++denied;
        }
        const std::size_t plausible = 5 * static_cast<std::size_t>(scenario_.sites);
        if (denied > plausible && denied * 5 > world_.database.rows.size())
            wrong("too many engagements that the source has are marked as missing");
    }

    void verify(bool repair) {
        VerificationSpec spec;
        spec.from = kStart - 3h;
        spec.to = world_.now();
        for (int i = 0; i < scenario_.sites; ++i) spec.sites.push_back("s" + std::to_string(i));
        spec.legs_share = repair ? 0.3 : 1;
        spec.repair = repair;
        for (const std::string& site : spec.sites)
            spec.recheck_delays[site] = recheck_delay_of(scenario_.sync, world_.now());
        verifier_->verify(spec, [this](const Verification& done) {
            for (const Difference& found : done.differences()) {
                const Item* item = world_.source.find(found.engagement_id);
                if (found.kind == DifferenceKind::gone && !item->was_removed &&
                    !world_.source.was_denied(item->id))
                    wrong(item->id + " is reported as gone, but the source has it");
            }
        });
    }

    BackfillSpec backfill_spec() const {
        BackfillSpec spec;
        spec.from = kStart - 2h;
        spec.to = kStart;
        spec.window = scenario_.window;
        for (int i = 0; i < scenario_.sites; ++i) spec.sites.push_back("s" + std::to_string(i));
        return spec;
    }

    /// Adds the engagements that exist at the start.
    void populate() {
        Random random(scenario_.seed + 77);
        for (std::int64_t i = random.between(0, 16); i > 0; --i) {
            const Instant requested = kStart - Seconds{random.between(60, 7200)};
            world_.source.add(requested, requested + 20s, some_sites(random.between(0, 5)), 0s, false);
        }
    }

    /// Enables the enrichers and restarts every process, as after a change of the configuration.
    void enable_enrichers() {
        for (auto& instance : instances_) {
            instance->enrichers = scenario_.enrichers;
            instance->stop([&one = *instance] { one.start(); });
        }
    }

    /// `forget`: stores the order and erases the stored data.
    void forget(const Item& item) {
        ModelDatabase& database = world_.database;
        database.now = world_.now();
        ForgetOrder order;
        order.engagement_id = item.id;
        database.forget(order);
        database.erase_part({});
        std::erase_if(world_.files, [&](const auto& file) { return file.first == item.id; });
    }

    std::vector<std::string> some_sites(std::int64_t subject) const {
        if (subject % 5 == 0 && scenario_.sites > 1) return {"s0", "s1"};
        return {"s" + std::to_string(subject % scenario_.sites)};
    }

    Item* some_item(std::int64_t subject) {
        auto& items = world_.source.items();
        if (items.empty()) return nullptr;
        return &items[static_cast<std::size_t>(subject) % items.size()];
    }

    void apply_event(const Event& event) {
        world_.log("event", name_of(event.kind));
        using Kind = Event::Kind;
        const Instant now = world_.now();
        Process& instance = *instances_[static_cast<std::size_t>(event.subject) % instances_.size()];
        const auto inject = [&](Fault::Kind kind, const std::string& subject) {
            world_.source.inject({kind, now + event.length, subject});
        };
        Item* item = some_item(event.subject);
        switch (event.kind) {
            case Kind::add:
                // Half of them are requested at a whole minute, so that several have the same time.
                world_.source.add(event.subject % 2 ? now : std::chrono::floor<std::chrono::minutes>(now),
                                  now, some_sites(event.subject),
                                  Seconds{event.subject % 3 ? 0 : event.length.count()}, false);
                break;
            case Kind::add_ongoing:
                world_.source.add(now, now, some_sites(event.subject), Seconds{event.length.count() / 2},
                                  true);
                break;
            case Kind::add_late:
                world_.source.add(now - event.length, now, some_sites(event.subject), 0s, false);
                break;
            case Kind::end:
                for (Item& one : world_.source.items()) {
                    if (one.ongoing && one.number % 2 == event.subject % 2)
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
                // Ahead or behind, up to a day. At least enough to exceed the uncertainty of a slow
                // response's Date; a smaller offset could count as agreement.
                const std::int64_t most = event.subject % 3 == 0 ? 86'400 : 600;
                const std::int64_t by = (150 + event.subject % most) * (event.subject % 2 ? 1 : -1);
                inject(Fault::Kind::date_jumps, std::to_string(by));
                break;
            }
            case Kind::drop_cursors:
                world_.source.forget_cursors();
                break;
            case Kind::outage:
                inject(Fault::Kind::outage, "");
                break;
            case Kind::site_refused:
                inject(Fault::Kind::site_refused, "s" + std::to_string(event.subject % scenario_.sites));
                break;
            case Kind::link_repeats:
                inject(Fault::Kind::link_repeats, "");
                break;
            case Kind::bad_record:
                // Several, so that concurrent batches of different windows have rejected records.
                for (std::int64_t i = 0; i < 3; ++i) {
                    if (const Item* bad = some_item(event.subject + i)) {
                        inject(Fault::Kind::bad_record, bad->id);
                        world_.had_bad_record.insert(bad->id);
                    }
                }
                break;
            case Kind::detail_missing:
                if (item) inject(Fault::Kind::detail_missing, item->id);
                break;
            case Kind::detail_fails:
                if (item) inject(Fault::Kind::detail_fails, item->id);
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
            case Kind::content_fails:
                if (item) inject(Fault::Kind::content_fails, item->id);
                break;
            case Kind::value_refused:
                if (item) world_.database.refuses_until[item->id] = now + event.length;
                break;
            case Kind::token_refused:
                inject(Fault::Kind::token_refused, "");
                break;
            case Kind::forget:
                if (item) forget(*item);
                break;
            case Kind::remove:
                remove(event.subject);
                break;
            case Kind::bring_back:
                for (Item& one : world_.source.items()) {
                    if (one.is_removed) return world_.source.bring_back(one);
                }
                break;
            case Kind::listing_hides:
                inject(Fault::Kind::listing_hides, "s" + std::to_string(event.subject % scenario_.sites));
                break;
            case Kind::site_forgotten:
                inject(Fault::Kind::site_forgotten, "s" + std::to_string(event.subject % scenario_.sites));
                break;
            case Kind::verify:
                verify(event.subject % 2 == 0);
                break;
            case Kind::reset:
                world_.database.now = now;
                world_.database.reset({"s" + std::to_string(event.subject % scenario_.sites)},
                                      now - event.length * 10);
                break;
            default:
                break;  // events of the directory
        }
    }

    /// Removes an engagement at the source. Not one that a listing may hide (an even number): once GET has
    /// found it, it is not requested again for a day, which is longer than a history. Not an ongoing one
    /// either, because nothing would end it.
    void remove(std::int64_t subject) {
        auto& items = world_.source.items();
        for (std::size_t i = 0; i < items.size(); ++i) {
            Item& item = items[(static_cast<std::size_t>(subject) + i) % items.size()];
            if (item.number % 2 == 0 || item.ongoing || item.was_removed) continue;
            return world_.source.remove(item);
        }
    }

    void end_chaos() {
        world_.log("chaos ends");
        world_.source.end_faults();
        world_.database.refuses_until.clear();
        world_.database_back_at = Instant{};
        for (Item& item : world_.source.items())
            world_.source.end(item, world_.now(), scenario_.end_shows_in_list);
        for (auto& instance : instances_) {
            if (!instance->running()) instance->start();
        }
    }

    /// Checks that everything is stored that a listing of [from, to], requested at `asked`, shows.
    void check_read(const std::string& site, Instant from, OptionalInstant to, Instant asked,
                    const std::string& when) {
        for (const Item& item : world_.source.items()) {
            const Instant key = world_.source.key_time(item);
            const bool listed = item.visible_at && *item.visible_at <= asked && key >= from &&
                                (!to || key <= *to) &&
                                std::find(item.sites.begin(), item.sites.end(), site) != item.sites.end();
            if (!listed || world_.had_bad_record.count(item.id) || item.was_removed ||
                world_.source.was_hidden(item.id) || world_.database.forgotten_engagements.contains(item.id))
                continue;
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

    const Scenario& scenario_;
    World world_;
    Instant start_from_;
    std::vector<std::unique_ptr<Process>> instances_;
    std::vector<const Backfiller*> backfillers_;
    Verifier* verifier_ = nullptr;
};

}  // namespace

std::string run_history(const Scenario& scenario, const std::vector<int>& kept, bool trace) {
    try {
        History history(scenario, kept, trace);
        std::string fault = history.run();
        return fault.empty() ? run_directory_history(scenario, kept, trace) : fault;
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
    // Tries to remove halves first, then ever smaller pieces.
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
