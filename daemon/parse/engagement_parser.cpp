#include "daemon/parse/engagement_parser.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/timestamp.hpp"
#include "sinks/content_hash.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

namespace od = simdjson::ondemand;

// PostgreSQL's B-tree refuses keys over a third of a page; no id of the API comes near.
constexpr std::size_t kLongestId = 1000;
// Payloads of rejected records are kept for a person to read and to load again, not for archives.
constexpr std::size_t kLongestShown = 60;

// An engagement is large to move: room for a page from the start.
constexpr std::size_t kUsualPage = 100;

/// A record that cannot be loaded, and why: one line.
struct BadRecord {
    std::string reason;
};

[[noreturn]] void reject(std::string_view field, std::string_view what) {
    throw BadRecord{std::string(field) + " " + std::string(what)};
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.remove_suffix(1);
    return text;
}

std::string shown(std::string_view text) {
    text = trimmed(text);
    return text.size() <= kLongestShown ? std::string(text)
                                        : std::string(text.substr(0, kLongestShown)) + "…";
}

/// The text of a value as it stands in the body.
std::string_view raw_value(od::value& value) {
    switch (value.type()) {
        case od::json_type::object: {
            od::object object = value.get_object();
            return trimmed(object.raw_json().value());
        }
        case od::json_type::array: {
            od::array array = value.get_array();
            return trimmed(array.raw_json().value());
        }
        default:
            return trimmed(value.raw_json_token());
    }
}

bool is_null(od::value& value) {
    return value.type().value() == od::json_type::null && static_cast<bool>(value.is_null());
}

// ------------------------------------------------------------------------------------------- scalars

/// Eight bytes at a time: nearly all texts are short, and a call would cost more than the look.
bool has_nul(std::string_view text) {
    while (text.size() >= sizeof(std::uint64_t)) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, text.data(), sizeof bytes);
        // The highest bit of a byte is set where it was zero (or above one that was).
        if ((bytes - 0x0101010101010101U) & ~bytes & 0x8080808080808080U) return true;
        text.remove_prefix(sizeof bytes);
    }
    return std::any_of(text.begin(), text.end(), [](char c) { return c == 0; });
}

std::string clean(std::string_view text) {
    if (!has_nul(text)) return std::string(text);
    std::string out;
    for (const char c : text) {
        if (c == 0) {
            out += "\xef\xbf\xbd";
        } else {
            out.push_back(c);
        }
    }
    return out;
}

/// A string as the parser keeps it until the end of the page; none for null.
std::optional<std::string_view> read_text(od::value& value, std::string_view field) {
    std::string_view text;
    const auto error = value.get_string().get(text);
    if (error == simdjson::SUCCESS) return text;
    if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
    if (is_null(value)) return std::nullopt;
    reject(field, "is not a string: " + shown(value.raw_json_token()));
}

void read(od::value& value, std::string_view field, OptionalText& target) {
    const auto text = read_text(value, field);
    if (!text) {
        target.reset();
    } else if (has_nul(*text)) {
        target = clean(*text);
    } else {
        target.emplace(*text);
    }
}

void read(od::value& value, std::string_view field, OptionalSeconds& target) {
    if (is_null(value)) {
        target.reset();
        return;
    }
    if (value.type().value() != od::json_type::number) {
        reject(field, "is not a whole number: " + shown(value.raw_json_token()));
    }
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) {
        target = number;
        return;
    }
    // 10.0 and 1e1 are whole numbers too.
    double real = 0;
    const std::string token = shown(value.raw_json_token());
    if (value.get_double().get(real) != simdjson::SUCCESS || std::trunc(real) != real ||
        std::abs(real) > 9e15) {
        reject(field, "is not a whole number: " + token);
    }
    target = static_cast<std::int64_t>(real);
}

void read(od::value& value, std::string_view field, OptionalFlag& target) {
    if (is_null(value)) {
        target.reset();
        return;
    }
    bool flag = false;
    if (value.get_bool().get(flag) != simdjson::SUCCESS) {
        reject(field, "is not true or false: " + shown(value.raw_json_token()));
    }
    target = flag;
}

void read(od::value& value, std::string_view field, OptionalInstant& target) {
    target.reset();
    const auto text = read_text(value, field);
    if (!text) return;
    target = parse_timestamp(*text);
    if (!target) reject(field, "is not an ISO 8601 time: " + shown(clean(*text)));
}

void read_id(od::value& value, std::string_view field, OptionalText& target) {
    read(value, field, target);
    if (target && target->size() > kLongestId) reject(field, "is longer than an id can be");
}

// ----------------------------------------------------------------------------- undocumented members

/// Collects members that the documentation does not know, as one canonical object.
class Extra {
  public:
    void add(std::string_view key, od::value& value) { add_raw(key, raw_value(value)); }
    void add_raw(std::string_view key, std::string_view raw) {
        std::string why;
        const auto text = canonical_json(raw, why);
        if (!text) reject(key, "cannot be kept: " + why);
        members_.push_back({clean(key), *text});
    }
    OptionalText text() {
        if (members_.empty()) return std::nullopt;
        std::stable_sort(members_.begin(), members_.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        std::string out;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            if (i + 1 < members_.size() && members_[i + 1].first == members_[i].first)
                continue;  // the last one counts
            out += (out.empty() ? "{" : ",") + json_quote(members_[i].first) + ":" + members_[i].second;
        }
        return out + "}";
    }

  private:
    std::vector<std::pair<std::string, std::string>> members_;
};

/// Like Extra, for the entries of a list: kept as a list with one object an entry, if any entry has
/// something.
class ExtraList {
  public:
    void add(Extra& entry) {
        const OptionalText text = entry.text();
        if (!text && list_.empty()) {
            ++bare_;
            return;
        }
        for (; bare_ > 0; --bare_) append("{}");
        append(text.value_or("{}"));
    }
    void finish(std::string_view key, Extra& into) {
        if (!list_.empty()) into.add_raw(key, list_ + "]");
    }

  private:
    void append(const std::string& object) { list_ += (list_.empty() ? "[" : ",") + object; }

    std::size_t bare_ = 0;  // entries so far, of which none had anything
    std::string list_;
};

// ------------------------------------------------------------------------------------------- objects

/// Calls `member(key, value)` for each member; the value may be left unread. Null is an object without
/// members.
template <typename Member>
void read_object(od::value& value, std::string_view field, Member member) {
    if (is_null(value)) return;
    if (value.type().value() != od::json_type::object) {
        reject(field, "is not an object: " + shown(value.raw_json_token()));
    }
    for (auto entry : value.get_object()) {
        const std::string_view key = entry.unescaped_key();
        od::value inner = entry.value();
        member(key, inner);
    }
}

/// Calls `element(value)` for each element. Null is an empty list.
template <typename Element>
void read_array(od::value& value, std::string_view field, Element element) {
    if (is_null(value)) return;
    if (value.type().value() != od::json_type::array) {
        reject(field, "is not a list: " + shown(value.raw_json_token()));
    }
    for (auto entry : value.get_array()) {
        od::value inner = entry.value();
        element(inner);
    }
}

/// `{"href": …}`, with whatever else is in it.
void read_href(od::value& value, std::string_view field, OptionalText& href, Extra& extra) {
    Extra unknown;
    href.reset();
    read_object(value, field, [&](std::string_view key, od::value& inner) {
        key == "href" ? read(inner, field, href) : unknown.add(key, inner);
    });
    if (const OptionalText text = unknown.text()) extra.add_raw(field, *text);
}

OptionalText last_segment(const OptionalText& href) {
    if (!href) return std::nullopt;
    std::string_view path(*href);
    path = path.substr(0, std::min(path.find('?'), path.find('#')));
    while (path.ends_with('/')) path.remove_suffix(1);
    path = path.substr(path.rfind('/') + 1);
    return path.empty() ? std::nullopt : OptionalText(path);
}

/// `{"id": …}` of a leg's operator or site.
void read_reference(od::value& value, std::string_view field, OptionalText& id, Extra& extra) {
    Extra unknown;
    id.reset();
    read_object(value, field, [&](std::string_view key, od::value& inner) {
        key == "id" ? read_id(inner, field, id) : unknown.add(key, inner);
    });
    if (const OptionalText text = unknown.text()) extra.add_raw(field, *text);
}

void read_queues(od::value& value, std::string_view field, std::vector<QueueRef>& queues, Extra& extra) {
    ExtraList unknown;
    queues.clear();
    read_array(value, field, [&](od::value& element) {
        QueueRef& queue = queues.emplace_back();
        Extra entry;
        read_object(element, field, [&](std::string_view key, od::value& inner) {
            if (key == "id") {
                read_id(inner, "queue id", queue.id);
            } else if (key == "name") {
                read(inner, "queue name", queue.name);
            } else {
                entry.add(key, inner);
            }
        });
        unknown.add(entry);
    });
    unknown.finish(field, extra);
}

void read_operators(od::value& value, std::vector<OperatorRef>& operators, Extra& extra) {
    ExtraList unknown;
    operators.clear();
    read_array(value, "operators", [&](od::value& element) {
        OperatorRef& op = operators.emplace_back();
        Extra entry;
        read_object(element, "operators", [&](std::string_view key, od::value& inner) {
            key == "href" ? read(inner, "operator href", op.href) : entry.add(key, inner);
        });
        op.operator_id = last_segment(op.href);
        unknown.add(entry);
    });
    unknown.finish("operators", extra);
}

void read_leg_member(std::string_view key, od::value& value, Leg& leg, OptionalText& id, Extra& extra) {
    switch (key.size()) {  // a first sieve: most keys differ in length
        case 2:
            if (key == "id") return read_id(value, "leg id", id);
            break;
        case 4:
            if (key == "site") return read_reference(value, key, leg.site_id, extra);
            break;
        case 8:
            if (key == "operator") return read_reference(value, key, leg.operator_id, extra);
            if (key == "duration") return read(value, "leg duration", leg.duration);
            if (key == "ended_at") return read(value, key, leg.ended_at);
            break;
        case 10:
            if (key == "end_reason") return read(value, key, leg.end_reason);
            break;
        case 11:
            if (key == "accepted_at") return read(value, key, leg.accepted_at);
            break;
        case 12:
            if (key == "requested_at") return read(value, key, leg.requested_at);
            if (key == "request_type") return read(value, key, leg.request_type);
            break;
        case 14:
            if (key == "request_source") return read(value, key, leg.request_source);
            if (key == "request_queues") return read_queues(value, key, leg.request_queues, extra);
            break;
        case 15:
            if (key == "used_cobrowsing") return read(value, key, leg.used_cobrowsing);
            break;
        case 18:
            if (key == "offered_media_type") return read(value, key, leg.offered_media_type);
            break;
        case 19:
            if (key == "accepted_media_type") return read(value, key, leg.accepted_media_type);
            break;
        case 26:
            if (key == "highest_visitor_media_type") return read(value, key, leg.highest_visitor_media_type);
            break;
        case 27:
            if (key == "highest_operator_media_type")
                return read(value, key, leg.highest_operator_media_type);
            break;
        default:
            break;
    }
    extra.add(key, value);
}

void read_legs(od::value& value, std::optional<std::vector<Leg>>& legs) {
    legs.reset();
    if (is_null(value)) return;
    legs.emplace();
    read_array(value, "legs", [&](od::value& element) {
        if (element.type().value() != od::json_type::object) {
            reject("legs", "holds something that is not an object: " + shown(element.raw_json_token()));
        }
        Leg& leg = legs->emplace_back();
        OptionalText id;
        Extra extra;
        read_object(element, "legs", [&](std::string_view key, od::value& inner) {
            read_leg_member(key, inner, leg, id, extra);
        });
        leg.id = id ? std::move(*id) : "#" + std::to_string(legs->size() - 1);
        leg.extra = extra.text();
    });
}

// --------------------------------------------------------------------------------------- engagements

struct Reading {
    Engagement& engagement;
    OptionalText id{};
    OptionalInstant created_at{};
    Extra extra{};
};

void read_member(std::string_view key, od::value& value, Reading& in) {
    Engagement& e = in.engagement;
    switch (key.size()) {  // a first sieve: most keys differ in length
        case 2:
            if (key == "id") return read_id(value, key, in.id);
            break;
        case 4:
            if (key == "legs") return read_legs(value, e.legs);
            break;
        case 6:
            if (key == "source") return read(value, key, e.source);
            if (key == "queues") return read_queues(value, key, e.queues, in.extra);
            break;
        case 7:
            if (key == "flagged") return read(value, key, e.flagged);
            if (key == "visitor") return read_href(value, key, e.visitor_href, in.extra);
            break;
        case 8:
            if (key == "duration") return read(value, key, e.duration);
            if (key == "platform") return read(value, key, e.platform);
            break;
        case 9:
            if (key == "operators") return read_operators(value, e.operators, in.extra);
            break;
        case 10:
            if (key == "created_at") return read(value, key, in.created_at);
            if (key == "visitor_id") return read(value, key, e.visitor_id);
            if (key == "video_used") return read(value, key, e.video_used);
            if (key == "audio_used") return read(value, key, e.audio_used);
            break;
        case 12:
            if (key == "visitor_name") return read(value, key, e.visitor_name);
            break;
        case 13:
            if (key == "crm_forwarded") return read(value, key, e.crm_forwarded);
            break;
        case 15:
            if (key == "engagement_type") return read(value, key, e.engagement_type);
            if (key == "visitor_browser") return read(value, key, e.visitor_browser);
            if (key == "cobrowsing_used") return read(value, key, e.cobrowsing_used);
            if (key == "queue_wait_time") return read(value, key, e.queue_wait_time);
            if (key == "chat_transcript") return read_href(value, key, e.chat_transcript_href, in.extra);
            break;
        case 17:
            if (key == "summary_forwarded") return read(value, key, e.summary_forwarded);
            break;
        case 19:
            if (key == "visitor_device_type") return read(value, key, e.visitor_device_type);
            break;
        case 20:
            if (key == "audio_recording_urls") {
                e.audio_recording_urls.clear();
                return read_array(value, key, [&](od::value& element) {
                    read(element, "audio_recording_urls", e.audio_recording_urls.emplace_back());
                });
            }
            break;
        default:
            break;
    }
    in.extra.add(key, value);
}

/// Into a fresh `engagement`, which is of no use after an exception.
void read_engagement(od::value& value, Engagement& engagement) {
    if (value.type().value() != od::json_type::object) throw BadRecord{"the record is not an object"};
    Reading in{engagement};
    for (auto entry : value.get_object()) {
        const std::string_view key = entry.unescaped_key();
        od::value inner = entry.value();
        read_member(key, inner, in);
    }
    if (!in.id || in.id->empty()) throw BadRecord{"id is missing"};
    if (!in.created_at) throw BadRecord{"created_at is missing"};
    engagement.id = std::move(*in.id);
    engagement.created_at = *in.created_at;
    engagement.extra = in.extra.text();
}

ParseFailure not_json(simdjson::error_code error) {
    return {error == simdjson::UTF8_ERROR ? ParseFailure::Kind::invalid_utf8 : ParseFailure::Kind::not_json,
            std::string("the body is not valid JSON: ") + simdjson::error_message(error)};
}

ParseFailure wrong_shape(const std::string& what) {
    return {ParseFailure::Kind::wrong_shape, what};
}

}  // namespace

struct EngagementParser::Impl {
    Privacy privacy;
    od::parser parser;
    od::parser record_parser;
    std::string padded;

    simdjson::padded_string_view view(std::string& body) {
        if (body.capacity() < body.size() + simdjson::SIMDJSON_PADDING) {
            body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
        }
        return simdjson::padded_string_view(body.data(), body.size(), body.capacity());
    }

    RejectedRecord rejection(std::string_view raw, std::string reason) {
        // A reason begins with the name of the field and shows what stands there.
        const std::string field = reason.substr(0, reason.find(' '));
        if (privacy.hides(field)) reason = field + " cannot be read";
        RejectedRecord rejected{std::nullopt, privacy.apply_to_json(raw), std::move(reason)};
        identify(raw, rejected);
        return rejected;
    }

    /// Whose a record is that is bad otherwise, as far as it tells.
    void identify(std::string_view raw, RejectedRecord& rejected) {
        OptionalText id, visitor;
        try {
            padded = repair_escapes(raw);
            od::document document = record_parser.iterate(view(padded));
            for (auto entry : document.get_object()) {
                const std::string_view key = entry.unescaped_key();
                od::value value = entry.value();
                if (key == "id") read_id(value, key, id);
                if (key == "visitor_id" && value.type() == od::json_type::string) read(value, key, visitor);
            }
        } catch (const simdjson::simdjson_error&) {
            // what could be read until here is still worth showing
        } catch (const BadRecord&) {
            id.reset();
        }
        if (id && !id->empty()) rejected.engagement_id = std::move(id);
        if (visitor) rejected.visitor_mark = bytes_hash(*visitor);
    }

    /// One record on its own, from its text: escapes repaired, so that they cost at most a character.
    void read_alone(std::string_view raw, std::vector<Engagement>& engagements,
                    std::vector<RejectedRecord>& rejected) {
        std::string reason;
        try {
            padded = "[" + repair_escapes(raw) + "]";  // as an element even a scalar is a value
            od::document document = record_parser.iterate(view(padded));
            for (auto entry : document.get_array()) {
                od::value value = entry.value();
                Engagement engagement;
                read_engagement(value, engagement);
                privacy.apply(engagement);
                engagements.push_back(std::move(engagement));
            }
            return;
        } catch (const BadRecord& bad) {
            reason = bad.reason;
        } catch (const simdjson::simdjson_error& error) {
            reason = std::string("the record is malformed: ") + error.what();
        }
        rejected.push_back(rejection(raw, std::move(reason)));
    }

    /// Throws BadRecord or simdjson_error at the first bad record; `slow` reads each record alone instead.
    void read_page(std::string& body, bool slow, ParsedPage& page, bool& complete) {
        od::document document = parser.iterate(view(body));
        for (auto entry : document.get_object()) {
            const std::string_view key = entry.unescaped_key();
            od::value value = entry.value();
            if (key == "engagements") {
                page.engagements.clear();
                page.rejected.clear();
                page.engagements.reserve(kUsualPage);
                complete = true;
                for (auto element : value.get_array()) {
                    od::value record = element.value();
                    if (slow) {
                        read_alone(raw_value(record), page.engagements, page.rejected);
                        continue;
                    }
                    Engagement& engagement = page.engagements.emplace_back();
                    read_engagement(record, engagement);
                    privacy.apply(engagement);
                }
            } else if (key == "next_page") {
                read(value, key, page.next_page);
                if (page.next_page && page.next_page->empty()) page.next_page.reset();
            }
        }
        if (document.current_location().error() == simdjson::SUCCESS)
            throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
    }
};

EngagementParser::EngagementParser(Privacy privacy) : impl_(std::make_unique<Impl>()) {
    impl_->privacy = std::move(privacy);
}
EngagementParser::~EngagementParser() = default;
EngagementParser::EngagementParser(EngagementParser&&) noexcept = default;

Parsed<ParsedPage> EngagementParser::page(std::string& body) {
    // Nearly always every record is good and one walk does; else a second walk takes the records one by one.
    for (const bool slow : {false, true}) {
        Parsed<ParsedPage> parsed;
        parsed.value.emplace();
        bool has_engagements = false;
        try {
            impl_->read_page(body, slow, *parsed.value, has_engagements);
            if (has_engagements) return parsed;
            parsed.failure = wrong_shape("the body has no list of engagements");
        } catch (const BadRecord& bad) {
            if (!slow) continue;
            parsed.failure = wrong_shape("the page is not as documented: " + bad.reason);
        } catch (const simdjson::simdjson_error& error) {
            if (!slow && error.error() != simdjson::UTF8_ERROR) continue;
            parsed.failure = error.error() == simdjson::INCORRECT_TYPE
                                 ? wrong_shape("the body is not as documented")
                                 : not_json(error.error());
        }
        parsed.value.reset();
        return parsed;
    }
    return {};
}

Parsed<ParsedDetail> EngagementParser::detail(std::string& body) {
    Parsed<ParsedDetail> parsed;
    try {
        od::document document = impl_->parser.iterate(impl_->view(body));
        od::object object = document.get_object();
        const std::string_view raw = trimmed(object.raw_json().value());
        if (document.current_location().error() == simdjson::SUCCESS)
            throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
        std::vector<Engagement> engagements;
        std::vector<RejectedRecord> rejected;
        impl_->read_alone(raw, engagements, rejected);
        parsed.value.emplace();
        if (!engagements.empty()) {
            parsed.value->engagement = std::move(engagements.front());
        } else {
            parsed.value->rejected = std::move(rejected.front());
        }
    } catch (const simdjson::simdjson_error& error) {
        parsed.failure = error.error() == simdjson::INCORRECT_TYPE ? wrong_shape("the body is not an object")
                                                                   : not_json(error.error());
    }
    return parsed;
}

}  // namespace glia
