#include "tests/simulator/world.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

namespace simulator {
namespace {

constexpr std::uint64_t kMask48 = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kScramble = 0x5851f42d4c95;  // odd, so that it can be undone
constexpr const char* kBase = "https://api.salemove.com";
constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;

/// splitmix64: the same numbers on every machine.
class Random {
  public:
    Random(std::uint64_t seed, std::uint64_t stream)
        : state_(seed * 0x9e3779b97f4a7c15 + stream * 0xd1b54a32d192ed03) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    std::int64_t below(std::int64_t bound) {
        return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(bound));
    }
    bool chance(int per_cent) { return below(100) < per_cent; }
    template <typename List>
    const auto& pick(const List& list) {
        return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(list.size())))];
    }
    std::string uuid() {
        const std::uint64_t a = next();
        const std::uint64_t b = next();
        std::array<char, 40> text{};
        std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-%04x-%012llx",
                      static_cast<unsigned>(a >> 32), static_cast<unsigned>(a >> 16) & 0xffff,
                      static_cast<unsigned>(a) & 0xfff, (static_cast<unsigned>(b >> 48) & 0x3fff) | 0x8000,
                      static_cast<unsigned long long>(b & kMask48));
        return text.data();
    }

  private:
    std::uint64_t state_;
};

std::uint64_t inverse48(std::uint64_t odd) {  // Newton's iteration doubles the correct bits each time
    std::uint64_t x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x & kMask48;
}

const std::vector<std::string> kNames{"Ada Quill",
                                      "Visitor #12",
                                      "Žofie Černá",
                                      "D'Arcy \"Dee\" O'Neil",
                                      "back\\slash",
                                      "tab\tbed",
                                      "two\nlines",
                                      "山田 花子",
                                      "👩‍🚀 Nova",
                                      "",
                                      " spaced ",
                                      "\\N",
                                      "NULL",
                                      "x,y;z",
                                      "{braces}",
                                      "'; select 1;--",
                                      "e\xcc\x81t\xc3\xa9"};
const std::vector<std::string> kSources{"button_embed", "callout", "facebook", "hotlink",
                                        "sdk",          "sms",     "tab",      "whatsapp"};
const std::vector<std::string> kMedia{"text", "audio", "phone", "video"};
const std::vector<std::string> kEnds{"visitor_left", "visitor_hung_up", "operator_left", "operator_hung_up",
                                     "error"};

std::string quote(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", byte);
            out += escape;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string quote(const std::optional<std::string>& text) {
    return text ? quote(*text) : "null";
}
const char* flag(bool value) {
    return value ? "true" : "false";
}

}  // namespace

std::string iso(std::int64_t ms) {
    const std::time_t seconds = static_cast<std::time_t>(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03dZ",
                  static_cast<int>(ms - static_cast<std::int64_t>(seconds) * 1000));
    return text;
}

std::optional<std::int64_t> parse_iso(const std::string& text) {
    std::tm parts{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest) return std::nullopt;
    std::int64_t ms = static_cast<std::int64_t>(timegm(&parts)) * 1000;
    if (*rest == '.') {
        std::int64_t unit = 100;
        for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) ms += (*rest - '0') * unit;
    }
    return std::string(rest) == "Z" ? std::optional(ms) : std::nullopt;
}

std::int64_t Engagement::duration() const {
    std::int64_t seconds = 0;
    for (const Leg& leg : legs) {
        if (leg.ended_ms) seconds += (*leg.ended_ms - leg.accepted_ms) / 1000;
    }
    return seconds;
}

World::World(WorldSettings settings)
    : settings_(settings), listings_(static_cast<std::size_t>(settings.sites)) {
    Random random(settings.seed, 0);
    for (int i = 0; i < settings.sites; ++i) sites_.push_back(random.uuid());
    for (int i = 0; i < 40; ++i) operators_.push_back(random.uuid());
    static const std::vector<std::string> kTopics{"Cards",   "Loans",  "Võlad",
                                                  "Técnico", "Claims", "Mortgages"};
    for (int i = 0; i < 12; ++i) {
        const auto topic = static_cast<std::size_t>(i);
        queues_.push_back({random.uuid(), kTopics[topic % kTopics.size()] + (i < 6 ? "" : " – premium")});
    }
    for (std::uint32_t i = 0; i < settings.engagements; ++i) {
        ++count_;
        add_to_listings(get(i));
    }
    for (auto& listing : listings_) std::sort(listing.begin(), listing.end());
}

void World::add_to_listings(const Engagement& engagement) {
    for (const int site : engagement.sites)
        listings_[static_cast<std::size_t>(site)].push_back({engagement.created_ms, engagement.number});
}

std::optional<int> World::site(const std::string& id) const {
    const auto found = std::find(sites_.begin(), sites_.end(), id);
    return found == sites_.end() ? std::nullopt : std::optional(static_cast<int>(found - sites_.begin()));
}

std::string World::id_of(std::uint32_t number) const {
    const std::uint64_t tail = (number * kScramble + settings_.seed) & kMask48;
    Random random(settings_.seed, std::uint64_t{number} + 1'000'000'007);
    std::string id = random.uuid();
    char text[16];
    std::snprintf(text, sizeof text, "%012llx", static_cast<unsigned long long>(tail));
    return id.substr(0, 24) + text;
}

std::optional<std::uint32_t> World::find(const std::string& id) const {
    if (id.size() != 36) return std::nullopt;
    static const std::uint64_t inverse = inverse48(kScramble);
    const std::uint64_t tail = std::strtoull(id.c_str() + 24, nullptr, 16);
    const std::uint64_t number = ((tail - settings_.seed) * inverse) & kMask48;
    if (number >= count_ || id_of(static_cast<std::uint32_t>(number)) != id) return std::nullopt;
    return static_cast<std::uint32_t>(number);
}

Engagement World::get(std::uint32_t number) const {
    if (const auto changed = changed_.find(number); changed != changed_.end()) return changed->second;
    // Evenly spread with some jitter. Every 23rd engagement has the time of the one before it, and some times
    // are whole seconds.
    const std::uint32_t slot = number % 23 == 22 ? number - 1 : number;
    Random random(settings_.seed, std::uint64_t{slot} + 77);
    const std::int64_t span = settings_.to_ms - settings_.from_ms;
    const std::int64_t step =
        std::max<std::int64_t>(1, span / std::max<std::uint32_t>(1, settings_.engagements));
    std::int64_t created = settings_.from_ms +
                           span * slot / std::max<std::uint32_t>(1, settings_.engagements) +
                           random.below(step);
    if (slot % 17 == 0) created = created / 1000 * 1000;
    return make(number, created, std::nullopt);
}

std::uint32_t World::first_visit(std::uint32_t number) const {
    if (number % 5 != 4) return number;
    constexpr std::array kGaps{4 * kHour, 3 * kDay, 10 * kDay, 40 * kDay};
    const std::int64_t step = std::max<std::int64_t>(
        1, (settings_.to_ms - settings_.from_ms) / std::max<std::uint32_t>(1, settings_.engagements));
    for (const std::int64_t gap : {kGaps[number / 5 % kGaps.size()], kGaps[0]}) {
        const std::int64_t first = std::int64_t{number} - gap / step - 3;  // get() adds up to two steps
        if (first >= 0) return static_cast<std::uint32_t>(first % 5 == 4 ? first - 1 : first);
    }
    return number;
}

std::vector<int> World::queues_of_site(int site) const {
    std::vector<int> found;
    const int sites = settings_.sites;
    for (int i = site; i < static_cast<int>(queues_.size()); i += sites) found.push_back(i);
    if (found.empty()) found.push_back(site % static_cast<int>(queues_.size()));
    return found;
}

Engagement World::make(std::uint32_t number, std::int64_t created_ms, std::optional<bool> ongoing) const {
    Random random(settings_.seed, std::uint64_t{number} + 10'000'000'019);
    Engagement e;
    e.number = number;
    e.id = id_of(number);
    e.created_ms = created_ms;
    const bool reactive = random.chance(60);
    e.type = random.chance(3) ? "callback" : reactive ? "reactive" : "proactive";
    e.visitor_name =
        random.chance(50) ? random.pick(kNames) : "Visitor #" + std::to_string(random.below(1'000'000));
    static const std::vector<std::string> kBrowsers{"Chrome", "Firefox", "Safari", "Edge"};
    static const std::vector<std::string> kDevices{"mobile", "desktop", "tablet"};
    e.browser = random.pick(kBrowsers);
    e.device = random.pick(kDevices);
    random.uuid();
    Random visitor(settings_.seed, std::uint64_t{first_visit(number)} + 20'000'000'003);
    e.visitor_id = visitor.uuid();
    e.platform = random.chance(33) ? "omnibrowse" : "omnicore";
    e.source_absent = !reactive && random.chance(60);
    if (reactive) {
        e.source = random.pick(kSources);
    } else if (random.chance(50)) {
        e.source = random.chance(50) ? "outbound_call" : "";
    }
    e.cobrowsing = random.chance(30);
    e.video = random.chance(20);
    e.flagged = random.chance(2);
    e.crm = random.chance(30);
    e.summary = random.chance(50);
    if (random.chance(80)) e.audio = random.chance(40);
    if (reactive && random.chance(80)) {
        const auto first = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(queues_.size())));
        e.queues = std::vector<int>{static_cast<int>(first)};
        if (random.chance(25)) e.queues->push_back(static_cast<int>((first + 1) % queues_.size()));
        e.queue_wait = random.below(600);
    }
    for (std::int64_t i = random.below(10) - 7; i > 0; --i) {
        e.recordings.push_back(std::string(kBase) + "/sub_engagements/" +
                               std::to_string(random.below(10'000'000)) + "/recordings/" +
                               random.uuid().substr(0, 8));
    }
    e.sites.push_back(static_cast<int>(random.below(settings_.sites)));
    if (e.queues) {
        const std::vector<int> of_site = queues_of_site(e.sites.back());
        for (int& queue : *e.queues) queue = of_site[static_cast<std::size_t>(queue) % of_site.size()];
        if (e.queues->size() > 1 && e.queues->front() == e.queues->back()) e.queues->pop_back();
    }
    const bool recent = settings_.to_ms - created_ms < kDay;
    const bool open = ongoing.value_or(recent && random.below(1000) < settings_.ongoing_per_mille * 20);
    const int legs = random.chance(75) ? 1 : static_cast<int>(2 + random.below(3));
    // Engagements that exist from the start lie in the past: none of their times is later than to_ms.
    const std::int64_t latest =
        ongoing ? std::numeric_limits<std::int64_t>::max() : std::max(settings_.to_ms, created_ms);
    std::int64_t at = created_ms;
    for (int k = 0; k < legs; ++k) {
        Leg leg;
        leg.id = random.uuid();
        leg.operator_id = random.pick(operators_);
        if (k > 0 && random.chance(20)) {
            const int other = static_cast<int>(random.below(settings_.sites));
            if (std::find(e.sites.begin(), e.sites.end(), other) == e.sites.end()) e.sites.push_back(other);
        }
        leg.site_id = sites_[static_cast<std::size_t>(e.sites.back())];
        leg.request_type = k > 0 ? "transfer" : reactive ? "reactive" : "proactive";
        if (k == 0 && reactive) leg.request_source = e.source;
        leg.offered = random.pick(kMedia);
        leg.accepted = random.pick(kMedia);
        leg.visitor_media = random.pick(kMedia);
        leg.operator_media = random.pick(kMedia);
        if (k == 0 && e.queues) leg.queues = e.queues;
        if (k > 0 && random.chance(30)) leg.queues = std::vector<int>{};
        leg.requested_ms = at;
        leg.accepted_ms = std::min(latest, at + 1000 + random.below(30'000));
        const bool last = k == legs - 1;
        if (!(last && open)) {
            leg.ended_ms = std::min(latest, leg.accepted_ms + (1 + random.below(900)) * 1000);
            leg.end_reason = last ? random.pick(kEnds) : "transfer";
            at = *leg.ended_ms;
        }
        leg.cobrowsing = random.chance(20);
        leg.sentiment = random.chance(2);
        e.legs.push_back(std::move(leg));
    }
    if (random.chance(3)) e.extra += ",\"language\":\"pt-BR\"";
    if (random.chance(1))
        e.extra +=
            ",\"custom\":{\"tier\":\"gold\",\"n\":[1,2.50,null,true],\"big\":9007199254740993,\"a\":"
            "\"\\u0000x\"}";
    return e;
}

std::vector<World::Key> World::list(const std::vector<int>& sites, std::optional<std::int64_t> lo,
                                    std::optional<std::int64_t> hi, const std::optional<Key>& after,
                                    bool descending, std::size_t count) const {
    std::vector<Key> found;
    for (const int site : sites) {
        const auto& listing = listings_[static_cast<std::size_t>(site)];
        auto begin = lo ? std::lower_bound(listing.begin(), listing.end(), Key{*lo, 0}) : listing.begin();
        auto end =
            hi ? std::upper_bound(listing.begin(), listing.end(), Key{*hi, UINT32_MAX}) : listing.end();
        if (after && descending)
            end = std::min(end, std::lower_bound(listing.begin(), listing.end(), *after));
        if (after && !descending)
            begin = std::max(begin, std::upper_bound(listing.begin(), listing.end(), *after));
        for (std::size_t taken = 0; begin < end && taken < count; ++taken)
            found.push_back(descending ? *--end : *begin++);
    }
    descending ? std::sort(found.rbegin(), found.rend()) : std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (found.size() > count) found.resize(count);
    return found;
}

std::string World::list_item(const Engagement& e, bool with_legs) const {
    const auto queue_list = [&](const std::optional<std::vector<int>>& list) {
        if (!list) return std::string("null");
        std::string out = "[";
        for (const int index : *list) {
            const Queue& queue = queues_[static_cast<std::size_t>(index)];
            out += std::string(out.size() > 1 ? "," : "") + "{\"id\":" + quote(queue.id) +
                   ",\"name\":" + quote(queue.name) + "}";
        }
        return out + "]";
    };
    std::string out =
        "{\"id\":" + quote(e.id) + ",\"engagement_type\":" + quote(e.type) +
        ",\"created_at\":" + quote(iso(e.created_ms)) + ",\"duration\":" + std::to_string(e.duration()) +
        ",\"visitor_name\":" + quote(e.visitor_name) + ",\"visitor_browser\":" + quote(e.browser) +
        ",\"visitor_device_type\":" + quote(e.device) + ",\"visitor_id\":" + quote(e.visitor_id) +
        ",\"cobrowsing_used\":" + flag(e.cobrowsing) + ",\"video_used\":" + flag(e.video);
    if (e.audio) out += std::string(",\"audio_used\":") + flag(*e.audio);
    out += std::string(",\"flagged\":") + flag(e.flagged);
    if (e.queue_wait) out += ",\"queue_wait_time\":" + std::to_string(*e.queue_wait);
    out += ",\"platform\":" + quote(e.platform) + ",\"audio_recording_urls\":[";
    for (std::size_t i = 0; i < e.recordings.size(); ++i) out += (i ? "," : "") + quote(e.recordings[i]);
    out += std::string("],\"crm_forwarded\":") + flag(e.crm) + ",\"summary_forwarded\":" + flag(e.summary);
    if (!e.source_absent) out += ",\"source\":" + quote(e.source);
    out += ",\"visitor\":{\"href\":" + quote(std::string(kBase) + "/visitors/" + e.visitor_id) +
           "},\"chat_transcript\":{\"href\":" +
           quote(std::string(kBase) + "/engagements/" + e.id + "/chat_transcript") + "},\"operators\":[";
    std::vector<std::string> operators;
    for (const Leg& leg : e.legs) {
        if (std::find(operators.begin(), operators.end(), leg.operator_id) == operators.end())
            operators.push_back(leg.operator_id);
    }
    for (std::size_t i = 0; i < operators.size(); ++i) {
        out += (i ? ",{\"href\":" : "{\"href\":") + quote(std::string(kBase) + "/operators/" + operators[i]) +
               "}";
    }
    out += "]";
    if (e.queues) out += ",\"queues\":" + queue_list(e.queues);
    if (with_legs) {
        out += ",\"legs\":[";
        for (std::size_t i = 0; i < e.legs.size(); ++i) {
            const Leg& leg = e.legs[i];
            out += std::string(i ? "," : "") + "{\"id\":" + quote(leg.id) +
                   ",\"operator\":{\"id\":" + quote(leg.operator_id) +
                   "},\"site\":{\"id\":" + quote(leg.site_id) +
                   "},\"requested_at\":" + quote(iso(leg.requested_ms)) +
                   ",\"accepted_at\":" + quote(iso(leg.accepted_ms)) +
                   ",\"request_type\":" + quote(leg.request_type) +
                   ",\"request_source\":" + quote(leg.request_source) +
                   ",\"offered_media_type\":" + quote(leg.offered) +
                   ",\"accepted_media_type\":" + quote(leg.accepted) +
                   ",\"request_queues\":" + queue_list(leg.queues) + ",\"duration\":" +
                   (leg.ended_ms ? std::to_string((*leg.ended_ms - leg.accepted_ms) / 1000) : "null") +
                   ",\"highest_visitor_media_type\":" + quote(leg.visitor_media) +
                   ",\"highest_operator_media_type\":" + quote(leg.operator_media) +
                   ",\"used_cobrowsing\":" + flag(leg.cobrowsing) +
                   ",\"ended_at\":" + (leg.ended_ms ? quote(iso(*leg.ended_ms)) : "null") +
                   ",\"end_reason\":" + (leg.ended_ms ? quote(leg.end_reason) : "null");
            if (leg.sentiment) out += ",\"sentiment\":{\"score\":-3,\"labels\":[\"a\",\"ü\"]}";
            out += "}";
        }
        out += "]";
    }
    return out + e.extra + "}";
}

std::string World::transcript(const Engagement& e) const {
    // The messages lie within the legs, and are not in the order of their times.
    const auto at = [](const Leg& leg, int second) {
        const std::int64_t ms = leg.accepted_ms + second * 1000LL;
        return quote(iso(leg.ended_ms ? std::min(ms, *leg.ended_ms) : ms));
    };
    const std::string visitor = "{\"type\":\"visitor\",\"name\":" + quote(e.visitor_name) +
                                ",\"href\":" + quote(std::string(kBase) + "/visitors/" + e.visitor_id) + "}";
    std::string out = "[{\"message\":" + quote("Hello, here is " + e.visitor_name) +
                      ",\"created_at\":" + at(e.legs.front(), 1) +
                      ",\"type\":\"user\",\"attachment\":null,\"metadata\":null,\"sender\":" + visitor +
                      "},{\"message\":null,\"created_at\":" + at(e.legs.front(), 5) +
                      ",\"type\":\"user\",\"attachment\":{\"type\":\"files\",\"files\":[]},\"metadata\":{},"
                      "\"sender\":{\"type\":\"system\",\"name\":\"system\"}}";
    for (const Leg& leg : e.legs) {
        if (leg.ended_ms)
            out += ",{\"message\":\"Bye\",\"created_at\":" + at(leg, 60) +
                   ",\"type\":\"user\",\"sender\":" + visitor + "}";
        // A newer kind of message: with an id and an undocumented member.
        out += ",{\"id\":" + quote("m-" + leg.id) + ",\"message\":" + quote("Leg " + leg.id) +
               ",\"created_at\":" + at(leg, 4 + static_cast<int>(e.number % 50)) +
               ",\"type\":" + (leg.cobrowsing ? "\"suggestion\"" : "\"user\"") +
               ",\"mood\":\"good\",\"sender\":{\"type\":\"operator\",\"name\":\"Kim\",\"href\":" +
               quote(std::string(kBase) + "/operators/" + leg.operator_id) + "}}";
    }
    return out + "]";
}

std::string World::truth(std::uint32_t number) const {
    const Engagement e = get(number);
    std::string item = list_item(e, true);
    item.pop_back();
    item += ",\"_sites\":[";
    for (std::size_t i = 0; i < e.sites.size(); ++i)
        item += (i ? "," : "") + quote(sites_[static_cast<std::size_t>(e.sites[i])]);
    return item + "]}";
}

void World::mutate(int n) {
    for (int i = 0; i < n && count_ > 0; ++i) {
        Random random(settings_.seed + 5, ++mutations_);
        const auto number = static_cast<std::uint32_t>(random.below(count_));
        Engagement e = get(number);
        switch (random.below(6)) {
            case 0:
                e.flagged = !e.flagged;
                break;
            case 1:
                e.crm = !e.crm;
                break;
            case 2:
                e.summary = !e.summary;
                break;
            case 3:
                e.visitor_name = "Renamed " + std::to_string(random.below(1000));
                break;
            case 4:
                e.recordings.push_back(std::string(kBase) + "/sub_engagements/9/recordings/" +
                                       random.uuid().substr(0, 8));
                break;
            default: {
                Leg& last = e.legs.back();
                if (!last.ended_ms) last.ended_ms = last.accepted_ms + 30'000;
                last.end_reason = "transfer";
                Leg next = last;
                next.id = random.uuid();
                next.operator_id = random.pick(operators_);
                next.request_type = "transfer";
                next.request_source.reset();
                next.queues.reset();
                next.requested_ms = *last.ended_ms;
                next.accepted_ms = next.requested_ms + 1000;
                next.ended_ms = next.accepted_ms + 59'000;
                next.end_reason = "visitor_left";
                e.legs.push_back(next);
            }
        }
        changed_[number] = std::move(e);
    }
}

void World::add(int n, std::int64_t now_ms, bool ongoing) {
    for (int i = 0; i < n; ++i) {
        Engagement e = make(count_, now_ms, ongoing);
        changed_[count_++] = e;
        add_to_listings(e);
    }
    for (auto& listing : listings_) std::sort(listing.begin(), listing.end());
}

bool World::end(std::uint32_t number, const std::string& reason) {
    Engagement e = get(number);
    Leg& last = e.legs.back();
    if (last.ended_ms) return false;
    last.ended_ms = last.accepted_ms + 30'000;
    last.end_reason = reason;
    changed_[number] = std::move(e);
    return true;
}

void World::end_all() {
    for (std::uint32_t i = 0; i < count_; ++i) end(i, "operator_left");
}

void World::mark_exported(std::uint32_t number) {
    Engagement e = get(number);
    e.crm = true;
    changed_[number] = std::move(e);
}

}  // namespace simulator
