// The engagements of the simulated contact centre. They are computed from a seed on request, so that millions
// of them need no memory. Changed and added engagements are stored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace simulator {

struct WorldSettings {
    std::uint64_t seed = 1;
    std::uint32_t engagements = 10'000;
    int sites = 2;
    std::int64_t from_ms = 0;   ///< created_at of the first, milliseconds since 1970
    std::int64_t to_ms = 0;     ///< created_at of the last
    int ongoing_per_mille = 5;  ///< of the last day before `to_ms`, 20 times this share is ongoing
};

struct Queue {
    std::string id;
    std::string name;
};

struct Leg {
    std::string id, operator_id, site_id, request_type;
    std::optional<std::string> request_source;
    std::string offered, accepted, visitor_media, operator_media;
    std::optional<std::vector<int>> queues;  ///< indices into World::queues()
    std::int64_t requested_ms = 0, accepted_ms = 0;
    std::optional<std::int64_t> ended_ms;
    std::string end_reason;
    bool cobrowsing = false;
    bool sentiment = false;  ///< sends an undocumented member
};

struct Engagement {
    std::uint32_t number = 0;
    std::string id;
    std::int64_t created_ms = 0;
    std::string type, visitor_name, browser, device, visitor_id, platform;
    std::optional<std::string> source;
    bool source_absent = false;
    bool cobrowsing = false, video = false, flagged = false, crm = false, summary = false;
    std::optional<bool> audio;
    std::optional<std::int64_t> queue_wait;
    std::optional<std::vector<int>> queues;
    std::vector<std::string> recordings;
    std::vector<Leg> legs;
    std::string extra;  ///< members to add, as JSON text that begins with a comma
    std::vector<int> sites;

    std::int64_t duration() const;
};

class World {
  public:
    explicit World(WorldSettings settings);

    const std::vector<std::string>& sites() const { return sites_; }
    const std::vector<std::string>& operators() const { return operators_; }
    const std::vector<Queue>& queues() const { return queues_; }
    std::optional<int> site(const std::string& id) const;
    /// Indices into queues() of those that belong to a site, by its index. Never empty: where there are more
    /// sites than queues, some share one.
    std::vector<int> queues_of_site(int site) const;
    Engagement get(std::uint32_t number) const;
    std::optional<std::uint32_t> find(const std::string& id) const;

    struct Key {
        std::int64_t created_ms = 0;
        std::uint32_t number = 0;
        auto operator<=>(const Key&) const = default;
    };
    /// The engagements in the listings of `sites` with lo <= created <= hi, after the key, in order; at most
    /// `count`.
    std::vector<Key> list(const std::vector<int>& sites, std::optional<std::int64_t> lo,
                          std::optional<std::int64_t> hi, const std::optional<Key>& after, bool descending,
                          std::size_t count) const;

    std::string list_item(const Engagement& engagement, bool with_legs) const;
    std::string transcript(const Engagement& engagement) const;
    /// The engagement as GET shows it, and the sites that list it, for comparisons in tests.
    std::string truth(std::uint32_t number) const;
    std::uint32_t count() const { return count_; }

    /// Changes `n` engagements, each in a realistic way.
    void mutate(int n);
    /// restore() undoes all changes since remember(). No engagement may be added in between.
    void remember() { remembered_ = changed_; }
    void restore() { changed_ = remembered_; }
    void add(int n, std::int64_t now_ms, bool ongoing);
    bool end(std::uint32_t number, const std::string& reason);
    /// Removes an engagement: it is neither listed nor found by its id.
    void remove(std::uint32_t number) { removed_.insert(number); }
    void bring_back(std::uint32_t number) { removed_.erase(number); }
    bool is_removed(std::uint32_t number) const { return removed_.count(number) > 0; }
    /// Hides an engagement: it is not listed, but found by its id.
    void hide(std::uint32_t number) { hidden_.insert(number); }
    void show(std::uint32_t number) { hidden_.erase(number); }
    bool is_listed(std::uint32_t number) const { return !is_removed(number) && hidden_.count(number) == 0; }
    void end_all();
    void mark_exported(std::uint32_t number);
    void rename_queue(int index, const std::string& name) {
        queues_.at(static_cast<std::size_t>(index)).name = name;
    }

  private:
    Engagement make(std::uint32_t number, std::int64_t created_ms, std::optional<bool> ongoing) const;
    std::string id_of(std::uint32_t number) const;
    /// The first engagement of this one's visitor. Every fifth engagement is a repeated visit, hours or days
    /// later, so that the first one has ended.
    std::uint32_t first_visit(std::uint32_t number) const;
    void add_to_listings(const Engagement& engagement);

    WorldSettings settings_;
    std::vector<std::string> sites_;
    std::vector<std::string> operators_;
    std::vector<Queue> queues_;
    std::uint32_t count_ = 0;
    std::vector<std::vector<Key>> listings_;  // by site, sorted
    std::unordered_map<std::uint32_t, Engagement> changed_;
    std::unordered_map<std::uint32_t, Engagement> remembered_;
    std::uint64_t mutations_ = 0;
    std::set<std::uint32_t> removed_, hidden_;
};

std::string iso(std::int64_t ms);
std::optional<std::int64_t> parse_iso(const std::string& text);

}  // namespace simulator
