#include "tests/simulation/directory_history.hpp"

#include <algorithm>
#include <memory>

#include "tests/simulation/directory_reader.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;

class DirectoryHistory {
  public:
    DirectoryHistory(const Scenario& scenario, const std::vector<int>& kept, bool trace)
        : scenario_(scenario),
          world_(scenario, trace),
          directory_{Operators(scenario.directory.per_page), {}} {
        directory_.settings.every = scenario.directory.every;
        world_.database.on_operator_gone = [this](const SiteTarget& lease, const std::string& id) {
            check_gone(lease, id);
        };
        world_.run(kStart);
        for (int i = 0; i < scenario.directory.operators; ++i)
            directory_.operators.add(some_sites(i), world_.now());
        for (int i = 0; i < scenario.directory.instances; ++i)
            readers_.push_back(std::make_unique<DirectoryReader>(world_, i, directory_));
        for (const int i : kept) {
            const Event event = scenario.events[static_cast<std::size_t>(i)];
            if (!event.of_directory) continue;
            was_refused_ = was_refused_ || event.kind == Event::Kind::listing_refused;
            world_.at(kStart + event.at, [this, event] { apply_event(event); });
        }
    }

    std::string run() {
        for (auto& reader : readers_) reader->start();
        const Instant chaos_end = kStart + scenario_.directory.chaos;
        world_.run(chaos_end);
        end_chaos();
        // After a failure a listing is read again within `every`; after a refusal, within a day plus `every`.
        const Instant end =
            chaos_end + 2 * directory_.settings.every + 1h + (was_refused_ ? Seconds{25h} : 0s);
        world_.run(end);
        for (auto& reader : readers_) reader->stop(nullptr);
        world_.run(end + 5min);
        if (world_.database.violation.empty()) world_.database.violation = fault_at_end();
        return world_.database.violation;
    }

  private:
    std::set<std::string> some_sites(std::int64_t subject) const {
        if (subject % 3 == 0 && scenario_.directory.sites > 1) return {"s0", "s1"};
        return {some_site(subject)};
    }
    std::string some_site(std::int64_t subject) const {
        return "s" + std::to_string(subject % scenario_.directory.sites);
    }

    void apply_event(const Event& event) {
        world_.log("event", name_of(event.kind));
        using Kind = Event::Kind;
        const Instant now = world_.now();
        const Instant until = now + event.length;
        Operators& operators = directory_.operators;
        Person& person =
            operators.persons()[static_cast<std::size_t>(event.subject) % operators.persons().size()];
        const std::string site = some_site(event.subject / 7);
        DirectoryReader& reader = *readers_[static_cast<std::size_t>(event.subject) % readers_.size()];
        switch (event.kind) {
            case Kind::operator_comes:
                operators.add(some_sites(event.subject), now);
                break;
            case Kind::operator_renamed:
                person.name = "n" + std::to_string(event.length.count() % 3);
                break;
            case Kind::operator_disabled:
                person.enabled = !person.enabled;
                break;
            case Kind::operator_goes:
                operators.list(person, site, false, now);
                break;
            case Kind::operator_returns:
                operators.list(person, site, true, now);
                break;
            case Kind::operator_unreadable:
                operators.unreadable_until[person.id] = until;
                break;
            case Kind::listing_refused:
                operators.refused_until[site] = until;
                break;
            case Kind::listing_fails:
                operators.fails_until[site] = until;
                break;
            case Kind::link_repeats:
                operators.links_repeat_until = until;
                break;
            case Kind::drop_cursors:
                operators.cursors_lost_until = until;
                break;
            case Kind::outage:
                operators.down_until = until;
                break;
            case Kind::date_jumps:
                world_.source.inject(
                    {Fault::Kind::date_jumps, until, std::to_string(150 + event.subject % 9999)});
                break;
            case Kind::database_away:
                world_.database_back_at = until;
                break;
            case Kind::crash:
                reader.crash();
                world_.at(until, [&reader] {
                    if (!reader.running()) reader.start();
                });
                break;
            case Kind::pause:
                reader.pause(event.length);
                break;
            case Kind::restart:
                reader.stop([&reader] { reader.start(); });
                break;
            default:
                break;
        }
    }

    void end_chaos() {
        world_.log("chaos ends");
        directory_.operators.end_faults();
        world_.source.end_faults();
        world_.database_back_at = Instant{};
        for (auto& reader : readers_) {
            if (!reader->running()) reader->start();
        }
    }

    /// Checks that no operator is marked as missing that was listed during the whole read.
    void check_gone(const SiteTarget& lease, const std::string& id) {
        const auto& persons = directory_.operators.persons();
        const auto person =
            std::find_if(persons.begin(), persons.end(), [&](const Person& one) { return one.id == id; });
        const Instant began = directory_.began.at({lease.site_id, lease.epoch});
        if (person->absent_within(lease.site_id, began, world_.now())) return;
        if (world_.database.violation.empty())
            world_.database.violation = id + " is marked as missing although " + lease.site_id + " listed it";
    }

    std::string fault_at_end() const {
        const ModelDatabase& database = world_.database;
        for (const Person& person : directory_.operators.persons()) {
            const auto row = database.operators.find(person.id);
            if (row == database.operators.end()) {
                if (person.sites.empty()) continue;  // removed before any read
                return person.id + " is not stored";
            }
            const ModelDatabase::StoredOperator& stored = row->second;
            if (stored.sites != person.sites) return person.id + " has other sites than at the source";
            if (stored.missing_since.has_value() != person.sites.empty())
                return person.id + (person.sites.empty() ? " is not missing" : " is missing, but is listed");
            if (!person.sites.empty() && stored.entry != person.entry())
                return person.id + " differs from the source";
            if (std::string fault = names_fault(person.id, stored); !fault.empty()) return fault;
        }
        for (const auto& [key, site] : database.sites) {
            if (!site.lease_owner.empty() && site.lease_expires_at > world_.now())
                return "the lease on " + key + " is not given back";
        }
        for (const auto& reader : readers_) {
            if (!reader->idle()) return reader->instance_id() + " does not stop";
        }
        return {};
    }

    std::string names_fault(const std::string& id, const ModelDatabase::StoredOperator& stored) const {
        std::set<std::string> noted;
        int open = 0;
        for (const ModelDatabase::Name& name : world_.database.names.at(id)) {
            noted.insert(name.name);
            if (name.valid_to) continue;
            ++open;
            if (name.name != stored.entry.name) return "the name of " + id + " is not the last of its names";
        }
        if (open != 1) return id + " has " + std::to_string(open) + " names at once";
        const auto shown = directory_.shown.find(id);
        if (shown == directory_.shown.end()) return {};
        for (const std::string& name : shown->second) {
            if (!noted.contains(name)) return "the name " + name + " of " + id + " is not noted";
        }
        return {};
    }

    const Scenario& scenario_;
    World world_;
    Directory directory_;
    std::vector<std::unique_ptr<DirectoryReader>> readers_;
    bool was_refused_ = false;
};

}  // namespace

std::string run_directory_history(const Scenario& scenario, const std::vector<int>& kept, bool trace) {
    return DirectoryHistory(scenario, kept, trace).run();
}

}  // namespace simulation
