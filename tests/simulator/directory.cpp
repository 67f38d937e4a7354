#include "tests/simulator/directory.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace simulator {
namespace {

namespace json = boost::json;

constexpr const char* kBase = "https://api.salemove.com";
constexpr std::array kZones{"Eastern Time (US & Canada)", "Tallinn", "Kathmandu", "UTC"};
constexpr std::array kFirstNames{"Jüri", "Ann \"AJ\"", "Søren", "花子", "O'Neil"};

std::string value(const Directory::Query& query, const std::string& key, const std::string& otherwise) {
    const auto found = query.find(key);
    return found == query.end() ? otherwise : found->second;
}

bool names_site(const Directory::Query& query, const std::string& site) {
    const auto [first, last] = query.equal_range("site_ids[]");
    return std::any_of(first, last, [&](const auto& entry) { return entry.second == site; });
}

std::string now() {
    using namespace std::chrono;
    return iso(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

Directory::Directory(World& world, std::uint64_t seed) : world_(world), state_(seed * 977 + 5) {
    std::size_t number = 0;
    for (const auto& id : world.operators()) records_["operators"].push_back(make_operator(id, number++));
    number = 0;
    for (const auto& id : world.sites()) records_["sites"].push_back(make_site(id, number++));
    for (number = 0; number < world.queues().size(); ++number)
        records_["queues"].push_back(make_queue(number));
}

std::uint64_t Directory::next() {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

Directory::Record Directory::make_operator(const std::string& id, std::size_t number) {
    const std::string n = std::to_string(number);
    json::object o{{"id", id},
                   {"href", std::string(kBase) + "/operators/" + id},
                   {"name", std::string(kFirstNames[below(kFirstNames.size())]) + " " + n},
                   {"email", "operator" + n + "@example.com"},
                   {"role", number % 7 == 0 ? "manager" : "operator"},
                   {"enabled", number % 9 != 4},
                   {"reactive_enabled", true},
                   {"proactive_enabled", number % 2 == 0},
                   {"observation_enabled", number % 3 == 0},
                   {"audio_source", "phone"},
                   {"phone", "+1555010" + std::to_string(1000 + number)},
                   {"phone_extension", number % 4 == 0 ? json::value(n) : json::value()},
                   {"industry_id", 6},
                   {"picture", {{"url", number % 2 ? json::value() : json::value("https://x/p" + n)}}}};
    o["max_engagement_count"] = number % 3 ? json::value(number % 3) : json::value();
    return {std::move(o)};
}

Directory::Record Directory::make_site(const std::string& id, std::size_t number) {
    const std::string n = std::to_string(number);
    return {{{"id", id},
             {"href", std::string(kBase) + "/sites/" + id},
             {"name", "Bank " + n + " – Äri"},
             {"addresses", {"www" + n + ".example.com", "m" + n + ".example.com/help"}},
             {"hostnames", json::array{"www" + n + ".example.com"}},
             {"time_zone", kZones[number % kZones.size()]},
             {"salemove_enabled", true},
             {"reactive_call_timeout", 30},
             {"proactive_call_timeout", 15},
             {"multi_engagement_enabled", true},
             {"multi_engagement_max_count", 2},
             {"store_data", true},
             {"store_recording", number % 2 == 0}}};
}

Directory::Record Directory::make_queue(std::size_t number) {
    const Queue& queue = world_.queues().at(number);
    return {
        {{"id", queue.id},
         {"site_id", world_.sites().at(number % world_.sites().size())},
         {"name", queue.name},
         {"description", number % 3 ? json::value() : json::value("Queue number " + std::to_string(number))},
         {"status", number % 4 ? "opened" : "closed"},
         {"self_status", "opened"},
         {"created_at", "2019-08-21T18:28:55.705086Z"},
         {"updated_at", "2019-08-21T18:38:04.711930Z"},
         {"capacity", 1 + static_cast<int>(below(9))},
         {"capacity_policy", {{"capacity", 5}, {"type", "fixed"}}},
         {"available_properties", {{"media", json::array{"text"}}}},
         {"routing_policy",
          {{"media", number % 2 ? json::array{"text"} : json::array{"text", "audio"}},
           {"team_ids", nullptr}}},
         {"fallback_queue_id", nullptr},
         {"when_unstaffed", number % 2 ? "accept" : "reject"},
         {"scheduling_policy_id", nullptr},
         {"operator_ranking_enabled", false},
         {"welcome_message", "Welcome!"}}};
}

void Directory::copy_queue_names() {
    Records& queues = records("queues");
    for (std::size_t i = 0; i < world_.queues().size(); ++i)
        queues[i].members["name"] = world_.queues()[i].name;
}

bool Directory::is_listed(const std::string& kind, const Record& record, const Query& query) const {
    if (record.gone) return false;
    if (kind == "operators")
        return record.members.at("enabled").as_bool() || value(query, "include_disabled", "") == "true";
    return names_site(query, std::string(record.members.at("site_id").as_string()));
}

json::object Directory::shown(const std::string& kind, const Record& record) {
    json::object members = record.members;
    ++reads_;
    if (kind == "operators") {
        members["available"] = reads_ % 2 == 0;
        members["available_media_types"] = reads_ % 3 ? json::array{"chat"} : json::array{"chat", "audio"};
        members["engagements"] = json::array{};
        members["engagement_requests"] = json::array{};
        if (reads_ % 5 == 0) {
            members["unavailability_reason"] = "meal-break";
            members["unavailable_since"] = now();
        }
    }
    if (kind == "queues") {
        members["visitors_count"] = reads_ % 17;
        members["average_wait_time"] = reads_ % 101;
    }
    return members;
}

std::optional<Directory::Response> Directory::respond(const std::string& path, const Query& query,
                                                      const std::string& origin, bool with_broken_record) {
    const std::size_t slash = path.find('/', 1);
    const std::string kind = path.substr(1, slash - 1);
    if (!path.starts_with("/") || !records_.contains(kind)) return std::nullopt;
    if (const int status = refused_[kind]; status > 0)
        return Response{status, R"({"error":"forbidden","debug_message":"role manager is needed"})"};
    copy_queue_names();
    if (slash == std::string::npos && kind != "sites") return list(kind, query, origin, with_broken_record);
    const std::string id = slash == std::string::npos ? "" : path.substr(slash + 1);
    for (const Record& record : records(kind)) {
        if (record.gone || record.members.at("id").as_string() != id) continue;
        const json::object members = shown(kind, record);
        if (kind != "operators") return Response{200, json::serialize(members)};
        return Response{200, json::serialize(json::object{{"operators", json::array{members}}})};
    }
    return Response{404, R"({"error":"not_found"})"};
}

Directory::Response Directory::list(const std::string& kind, const Query& query, const std::string& origin,
                                    bool with_broken_record) {
    if (kind == "queues" && !query.contains("site_ids[]"))
        return {422, R"({"error":"Validation error","details":{"site_ids":["can't be blank"]}})"};
    const auto size = std::min<std::size_t>(
        largest_page_, static_cast<std::size_t>(std::atoi(value(query, "per_page", "30").c_str())));
    const auto page = static_cast<std::size_t>(std::atoi(value(query, "page", "1").c_str()));
    if (size < 1 || page < 1) return {422, R"({"error":"Validation error"})"};
    json::array listed;
    for (const Record& record : records(kind)) {
        if (is_listed(kind, record, query)) listed.push_back(shown(kind, record));
    }
    if (with_broken_record && !listed.empty()) listed[listed.size() / 2].as_object().erase("id");
    if (bare_ && kind == "operators") return {200, json::serialize(listed)};
    const auto link = [&](std::size_t number) {
        std::string url = origin + "/" + kind + "?page=" + std::to_string(number);
        for (const auto& [name, text] : query) {
            if (name != "page") url += "&" + name + "=" + text;
        }
        return url;
    };
    const std::size_t last = std::max<std::size_t>(1, (listed.size() + size - 1) / size);
    const std::size_t begin = std::min(listed.size(), (page - 1) * size);
    const std::size_t end = std::min(listed.size(), begin + size);
    json::array part(listed.begin() + static_cast<std::ptrdiff_t>(begin),
                     listed.begin() + static_cast<std::ptrdiff_t>(end));
    json::object body{{kind, std::move(part)}, {"last_page", link(last)}};
    if (page < last) body["next_page"] = link(page + 1);
    return {200, json::serialize(body)};
}

std::string Directory::truth() const {
    json::object all;
    for (const auto& [kind, records] : records_) {
        json::array listed;
        for (std::size_t i = 0; i < records.size(); ++i) {
            if (records[i].gone) continue;
            json::object members = records[i].members;
            if (kind == "queues") members["name"] = world_.queues()[i].name;
            listed.push_back(std::move(members));
        }
        all[kind] = std::move(listed);
    }
    return json::serialize(all);
}

void Directory::mutate(int n) {
    Records& operators = records("operators");
    for (int i = 0; i < n; ++i) {
        json::object& one = operators[below(operators.size())].members;
        if (next() % 2 == 0) {
            one["name"] = "Renamed " + std::to_string(next() % 100'000);
        } else {
            one["enabled"] = !one["enabled"].as_bool();
        }
    }
    const std::size_t queue = below(records("queues").size());
    rename("queues", queue, "Renamed queue " + std::to_string(next() % 100'000));
    records("queues")[queue].members["updated_at"] = now();
    rename("sites", below(records("sites").size()), "Renamed bank " + std::to_string(next() % 100'000));
}

void Directory::rename(const std::string& kind, std::size_t index, const std::string& name) {
    records(kind).at(index).members["name"] = name;
    if (kind == "queues") world_.rename_queue(static_cast<int>(index), name);
}

void Directory::set(const std::string& kind, std::size_t index, const std::string& member,
                    const std::string& json) {
    records(kind).at(index).members[member] = json::parse(json);
}

void Directory::remove(const std::string& kind, std::size_t index, bool gone) {
    records(kind).at(index).gone = gone;
}

void Directory::add_operators(int n) {
    Records& operators = records("operators");
    for (int i = 0; i < n; ++i) {
        std::array<char, 40> id{};
        std::snprintf(id.data(), id.size(), "%08x-0000-4000-8000-%012x", static_cast<unsigned>(next()),
                      static_cast<unsigned>(operators.size()));
        operators.push_back(make_operator(id.data(), operators.size()));
    }
}

}  // namespace simulator
