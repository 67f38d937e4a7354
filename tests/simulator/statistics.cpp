#include "tests/simulator/statistics.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <set>

namespace simulator {
namespace {

namespace json = boost::json;

constexpr std::int64_t kSlot = 1'800'000;  // half an hour, in milliseconds
constexpr std::array kOutcomes{"finished",     "finished", "finished", "canceled",
                               "disconnected", "fallback", "rerouted"};
constexpr std::array kMedia{"chat", "chat", "audio", "video"};
constexpr std::array kTypes{"reactive", "reactive", "proactive", "transfer"};
constexpr std::array kStates{"video",           "audio",          "chat",      "engaged",
                             "post-engagement", "advanced-admin", "meal-break"};

const std::map<std::string, std::string> kSources{
    {"/engagements/stats/queue/wait_duration", "queue_wait"},
    {"/engagements/stats/duration", "handle"},
    {"/engagements/stats/post_engagement_duration", "wrap_up"},
    {"/operators/stats/online_duration", "operator_state"},
};

class Random {  // splitmix64
  public:
    explicit Random(std::uint64_t seed) : state_(seed) { next(); }
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    std::int64_t below(std::size_t bound) { return static_cast<std::int64_t>(next() % bound); }
    template <typename List>
    auto of(const List& list) {
        return list[static_cast<std::size_t>(below(list.size()))];
    }

  private:
    std::uint64_t state_;
};

std::string value(const Statistics::Query& query, const std::string& key) {
    const auto found = query.find(key);
    return found == query.end() ? "" : found->second;
}

/// The conditions of filter[fields][N]: all have to hold.
class Filter {
  public:
    explicit Filter(const Statistics::Query& query) {
        for (int n = 0;; ++n) {
            const std::string at = "filter[fields][" + std::to_string(n) + "]";
            const std::string type = value(query, at + "[type]");
            if (type.empty()) break;
            Condition condition;
            condition.negated = type == "not";
            const std::string inner = condition.negated ? at + "[field]" : at;
            condition.dimension = value(query, inner + "[dimension]");
            if (type == "in") {
                for (int m = 0; query.contains(at + "[values][" + std::to_string(m) + "]"); ++m)
                    condition.values.insert(value(query, at + "[values][" + std::to_string(m) + "]"));
            } else {
                condition.values.insert(value(query, inner + "[value]"));
            }
            conditions_.push_back(std::move(condition));
        }
    }
    bool demands_a_site() const {
        return std::any_of(conditions_.begin(), conditions_.end(), [](const Condition& c) {
            return c.negated && c.dimension == "site_id" && c.values.contains("");
        });
    }
    bool holds(const std::map<std::string, std::string>& dimensions) const {
        return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& c) {
            const auto found = dimensions.find(c.dimension);
            return c.values.contains(found == dimensions.end() ? "" : found->second) != c.negated;
        });
    }

  private:
    struct Condition {
        bool negated = false;
        std::string dimension;
        std::set<std::string> values;
    };
    std::vector<Condition> conditions_;
};

Statistics::Response invalid(const std::string& what) {
    return {422, R"({"error":"Validation error","details":{")" + what + R"(":["is invalid"]}})"};
}

}  // namespace

std::vector<Statistics::Fact> Statistics::facts(const std::string& source, int site,
                                                std::int64_t slot) const {
    const auto changed = changed_.find({site, slot});
    const std::uint64_t change = changed == changed_.end() ? 0 : changed->second;
    Random random(seed_ * 1'000'003 + static_cast<std::uint64_t>(slot) * 131 +
                  static_cast<std::uint64_t>(site) * 31 + std::hash<std::string>{}(source) + change * 7'919);
    std::vector<Fact> all;
    const std::vector<int> queues = world_.queues_of_site(site);
    // At night there is little, and often nothing.
    const std::int64_t hour = slot / 2 % 24;
    const std::int64_t most = hour >= 7 && hour < 19 ? 6 : 2;
    for (std::int64_t n = random.below(static_cast<std::size_t>(most)); n > 0; --n) {
        Fact fact;
        fact.at_ms = slot * kSlot + random.below(static_cast<std::size_t>(kSlot));
        fact.dimensions["site_id"] = world_.sites().at(static_cast<std::size_t>(site));
        const std::string queue = random.below(5)
                                      ? world_.queues().at(static_cast<std::size_t>(random.of(queues))).id
                                      : std::string();
        const std::string operator_id = random.of(world_.operators());
        const std::int64_t seconds = 1 + random.below(400);
        if (source == "operator_state") {
            fact.dimensions.insert({{"operator_id", operator_id}, {"type", random.of(kStates)}});
            fact.measures = {{"seconds", seconds}};
            all.push_back(std::move(fact));
            continue;
        }
        if (!queue.empty()) fact.dimensions["queue_id"] = queue;
        fact.measures = {{"count", 1}, {"seconds", seconds}, {"total_duration_in_seconds", seconds}};
        if (source == "queue_wait") {
            fact.dimensions.insert({{"outcome", random.of(kOutcomes)},
                                    {"from_transfer", random.below(4) ? "false" : "true"},
                                    {"media", random.of(kMedia)}});
            fact.measures.insert({{"maximum_duration_in_seconds", seconds},
                                  {"within_service_level_count", seconds <= 30},
                                  {"short_duration_count", seconds <= 5}});
        } else {
            fact.dimensions.insert({{"operator_id", operator_id},
                                    {"type", random.of(kTypes)},
                                    {"highest_operator_media", random.of(kMedia)}});
            if (source == "handle")
                fact.dimensions["end_reason"] = random.below(4) ? "engagement_end" : "transfer";
            if (source == "wrap_up") fact.dimensions["user_type"] = random.below(5) ? "operator" : "visitor";
        }
        all.push_back(std::move(fact));
    }
    return all;
}

std::optional<Statistics::Response> Statistics::respond(const std::string& path, const Query& query,
                                                        std::int64_t now_ms, bool with_broken_record) {
    const auto source = kSources.find(path);
    if (source == kSources.end()) return std::nullopt;
    if (const int status = refused_[source->second])
        return Response{status, R"({"error":"forbidden","debug_message":"role manager is needed"})"};
    const auto from = parse_iso(value(query, "start_date")), to = parse_iso(value(query, "end_date"));
    if (!from || !to) return invalid("start_date");
    if (value(query, "granularity") != "all") return invalid("granularity");
    if (value(query, "query_type") != "group_by") return invalid("query_type");
    const Filter filter(query);
    if (!filter.demands_a_site()) return invalid("filter");

    std::map<std::vector<std::string>, json::object> groups;
    for (int site = 0; site < static_cast<int>(world_.sites().size()); ++site) {
        for (std::int64_t slot = *from / kSlot; slot * kSlot < *to; ++slot) {
            for (const Fact& fact : facts(source->second, site, slot)) {
                if (fact.at_ms < *from || fact.at_ms >= *to || fact.at_ms > now_ms) continue;
                if (!filter.holds(fact.dimensions)) continue;
                std::vector<std::string> key;
                json::object group{{"timestamp", iso(*from)}};
                const auto [first, last] = query.equal_range("dimensions[]");
                for (auto dimension = first; dimension != last; ++dimension) {
                    const auto found = fact.dimensions.find(dimension->second);
                    key.push_back(found == fact.dimensions.end() ? "" : found->second);
                    if (!key.back().empty()) group[dimension->second] = key.back();
                }
                json::object& sums = groups.emplace(key, std::move(group)).first->second;
                for (const auto& [measure, number] : fact.measures) {
                    const auto so_far = sums.contains(measure) ? sums[measure].as_int64() : 0;
                    const bool maximum = measure == "maximum_duration_in_seconds";
                    sums[measure] = maximum ? std::max(so_far, number) : so_far + number;
                }
            }
        }
    }
    json::array list;
    for (auto& [key, sums] : groups) {
        if (sums.contains("count"))
            sums["average_duration_in_seconds"] = static_cast<double>(sums["seconds"].as_int64()) /
                                                  static_cast<double>(sums["count"].as_int64());
        if (strange_) {
            sums["sentiment"] = 0.5;
            if (sums.contains("from_transfer")) sums["from_transfer"] = sums["from_transfer"] == "true";
        }
        list.push_back(std::move(sums));
    }
    if (with_broken_record) list.insert(list.begin(), {7, json::object{{"site_id", json::array{}}}});
    return Response{200, json::serialize(list)};
}

std::string Statistics::truth(std::int64_t from_ms, std::int64_t to_ms) const {
    std::string lines;
    for (const auto& [path, source] : kSources) {
        for (int site = 0; site < static_cast<int>(world_.sites().size()); ++site) {
            for (std::int64_t slot = from_ms / kSlot; slot * kSlot < to_ms; ++slot) {
                for (const Fact& fact : facts(source, site, slot)) {
                    if (fact.at_ms < from_ms || fact.at_ms >= to_ms) continue;
                    json::object line{{"source", source}, {"timestamp", iso(fact.at_ms)}};
                    for (const auto& [name, text] : fact.dimensions) line[name] = text;
                    for (const auto& [name, number] : fact.measures) line[name] = number;
                    lines += json::serialize(line) + "\n";
                }
            }
        }
    }
    return lines;
}

void Statistics::mutate(int n, std::int64_t now_ms, std::int64_t ago_ms) {
    Random random(seed_ + ++mutations_ * 104'729);
    for (int i = 0; i < n; ++i) {
        const auto site = static_cast<int>(random.below(world_.sites().size()));
        const std::int64_t slot = (now_ms - random.below(static_cast<std::size_t>(ago_ms))) / kSlot;
        changed_[{site, slot}] = mutations_ * 1000 + static_cast<std::uint64_t>(i);
    }
}

}  // namespace simulator
