#include "daemon/parse/record_reader.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/timestamp.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

namespace od = simdjson::ondemand;

// PostgreSQL's B-tree refuses keys over a third of a page; no id of the API comes near.
constexpr std::size_t kLongestId = 1000;
// What is wrong is shown to a person, not kept.
constexpr std::size_t kLongestShown = 60;

[[noreturn]] void reject(std::string_view field, std::string_view what) {
    throw BadRecord{std::string(field) + " " + std::string(what)};
}

std::string shown(std::string_view text) {
    text = trimmed(text);
    return text.size() <= kLongestShown ? std::string(text)
                                        : std::string(text.substr(0, kLongestShown)) + "…";
}

bool is_null(od::value& value) {
    return value.type().value() == od::json_type::null && static_cast<bool>(value.is_null());
}

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

std::string clean(std::string_view text) {
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

// --------------------------------------------------------------------------------------------- names

/// True in the highest bit of each byte (and perhaps of some above it) that is `character`.
constexpr std::uint64_t bytes_that_are(std::uint64_t bytes, char character) {
    constexpr std::uint64_t kOnes = 0x0101010101010101U;
    const std::uint64_t zero_there = bytes ^ (kOnes * static_cast<unsigned char>(character));
    return (zero_there - kOnes) & ~zero_there & (kOnes << 7);
}

/// The name of a member. Nearly all stand in the body as they are, up to the quote: to look for that costs
/// less than to unescape them.
std::string_view name_of(od::field& field) {
    static_assert(std::endian::native == std::endian::little);
    const char* const begin = field.key().raw();
    for (const char* at = begin;; at += sizeof(std::uint64_t)) {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, at, sizeof bytes);  // a body has more bytes after its end than this
        const std::uint64_t ends = bytes_that_are(bytes, '"') | bytes_that_are(bytes, '\\');
        if (ends == 0) continue;
        const char* const end = at + std::countr_zero(ends) / 8;
        if (*end != '"') return field.unescaped_key();
        return {begin, static_cast<std::size_t>(end - begin)};
    }
}

// ------------------------------------------------------------------------------------------- scalars

/// A string as simdjson keeps it until the end of the body; none for null.
std::optional<std::string_view> string_of(od::value& value, std::string_view field) {
    std::string_view text;
    const auto error = value.get_string().get(text);
    if (error == simdjson::SUCCESS) return text;
    if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
    if (is_null(value)) return std::nullopt;
    reject(field, "is not a string: " + shown(value.raw_json_token()));
}

void check_id(std::string_view id, std::string_view field) {
    if (id.size() > kLongestId) reject(field, "is longer than an id can be");
}

OptionalSeconds seconds_of(od::value& value, std::string_view field) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) return number;
    if (is_null(value)) return std::nullopt;
    // 10.0 and 1e1 are whole numbers too.
    double real = 0;
    const std::string token = shown(value.raw_json_token());
    if (value.type().value() != od::json_type::number || value.get_double().get(real) != simdjson::SUCCESS ||
        std::trunc(real) != real || std::abs(real) > 9e15) {
        reject(field, "is not a whole number: " + token);
    }
    return static_cast<std::int64_t>(real);
}

OptionalFlag flag_of(od::value& value, std::string_view field) {
    bool flag = false;
    if (value.get_bool().get(flag) == simdjson::SUCCESS) return flag;
    if (is_null(value)) return std::nullopt;
    reject(field, "is not true or false: " + shown(value.raw_json_token()));
}

OptionalInstant instant_of(od::value& value, std::string_view field) {
    const auto text = string_of(value, field);
    if (!text) return std::nullopt;
    const OptionalInstant time = parse_timestamp(*text);
    if (!time) reject(field, "is not an ISO 8601 time: " + shown(clean(*text)));
    return time;
}

std::string_view last_segment(std::string_view path) {
    path = path.substr(0, std::min(path.find('?'), path.find('#')));
    while (path.ends_with('/')) path.remove_suffix(1);
    return path.substr(path.rfind('/') + 1);
}

// ----------------------------------------------------------------------------- undocumented members

/// Collects members that the documentation does not know, as one canonical object.
class Extra {
  public:
    void add(std::string_view name, od::value& value) { add_raw(name, raw_value(value)); }
    void add_raw(std::string_view name, std::string_view raw) {
        std::string why;
        auto text = canonical_json(raw, why);
        if (!text) reject(name, "cannot be kept: " + why);
        members_.push_back({clean(name), std::move(*text)});
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
    void finish(std::string_view name, Extra& into) {
        if (!list_.empty()) into.add_raw(name, list_ + "]");
    }

  private:
    void append(const std::string& object) { list_ += (list_.empty() ? "[" : ",") + object; }

    std::size_t bare_ = 0;  // entries so far, of which none had anything
    std::string list_;
};

// ------------------------------------------------------------------------------------------- objects

/// Calls `member(name, value)` for each member; the value may be left unread. Null is an object without
/// members.
template <typename Member>
void read_object(od::value& value, std::string_view field, Member member) {
    od::object object;
    const auto error = value.get_object().get(object);
    if (error != simdjson::SUCCESS) {
        if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
        if (is_null(value)) return;
        reject(field, "is not an object: " + shown(value.raw_json_token()));
    }
    for (auto entry : object) {
        od::field one;
        if (const auto wrong = std::move(entry).get(one)) throw simdjson::simdjson_error(wrong);
        const std::string_view name = name_of(one);
        member(name, one.value());
    }
}

/// Calls `element(value)` for each element. Null is an empty list.
template <typename Element>
void read_array(od::value& value, std::string_view field, Element element) {
    od::array array;
    const auto error = value.get_array().get(array);
    if (error != simdjson::SUCCESS) {
        if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
        if (is_null(value)) return;
        reject(field, "is not a list: " + shown(value.raw_json_token()));
    }
    for (auto entry : array) {
        od::value inner = entry.value();
        element(inner);
    }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.remove_suffix(1);
    return text;
}

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

RecordText read_text(od::value& value, std::string_view field) {
    const auto text = string_of(value, field);
    return text ? RecordText(has_nul(*text) ? clean(*text) : std::string(*text)) : RecordText();
}

RecordText read_id(od::value& value, std::string_view field) {
    RecordText id = read_text(value, field);
    if (id) check_id(*id, field);
    return id;
}

struct RecordReader::Impl {
    std::shared_ptr<RecordMemory> memory = std::make_shared<RecordMemory>(0);
    bool nul = false;
    // Lists while they are read: their number is known at the end.
    std::vector<QueueRef> queues{};
    std::vector<OperatorRef> operators{};
    std::vector<RecordText> urls{};
    std::vector<Leg> legs{};

    RecordText keep(std::string_view text) { return RecordText::borrowed(memory->keep(text)); }
    RecordText keep_if(const OptionalText& text) { return text ? keep(*text) : RecordText(); }

    void read(od::value& value, std::string_view field, RecordText& target) {
        const auto text = string_of(value, field);
        if (!text) {
            target.reset();
        } else if (nul && has_nul(*text)) {
            target = keep(clean(*text));
        } else {
            target = keep(*text);
        }
    }
    void read_id(od::value& value, std::string_view field, RecordText& target) {
        read(value, field, target);
        if (target) check_id(*target, field);
    }

    /// `{"<name>": …}`, with whatever else is in it.
    void read_only(std::string_view name, od::value& value, std::string_view field, RecordText& target,
                   Extra& extra) {
        Extra unknown;
        target.reset();
        read_object(value, field, [&](std::string_view member, od::value& inner) {
            if (member != name) return unknown.add(member, inner);
            name == "id" ? read_id(inner, field, target) : read(inner, field, target);
        });
        if (const OptionalText text = unknown.text()) extra.add_raw(field, *text);
    }

    RecordList<QueueRef> read_queues(od::value& value, std::string_view field, Extra& extra) {
        ExtraList unknown;
        queues.clear();
        read_array(value, field, [&](od::value& element) {
            QueueRef& queue = queues.emplace_back();
            Extra entry;
            read_object(element, field, [&](std::string_view name, od::value& inner) {
                if (name == "id") {
                    read_id(inner, "queue id", queue.id);
                } else if (name == "name") {
                    read(inner, "queue name", queue.name);
                } else {
                    entry.add(name, inner);
                }
            });
            unknown.add(entry);
        });
        unknown.finish(field, extra);
        return RecordList<QueueRef>::borrowed(queues, *memory);
    }

    RecordList<OperatorRef> read_operators(od::value& value, Extra& extra) {
        ExtraList unknown;
        operators.clear();
        read_array(value, "operators", [&](od::value& element) {
            OperatorRef& op = operators.emplace_back();
            Extra entry;
            read_object(element, "operators", [&](std::string_view name, od::value& inner) {
                name == "href" ? read(inner, "operator href", op.href) : entry.add(name, inner);
            });
            const std::string_view id = op.href ? last_segment(*op.href) : std::string_view();
            if (!id.empty()) op.operator_id = RecordText::borrowed(id);
            unknown.add(entry);
        });
        unknown.finish("operators", extra);
        return RecordList<OperatorRef>::borrowed(operators, *memory);
    }

    RecordList<RecordText> read_urls(od::value& value) {
        urls.clear();
        read_array(value, "audio_recording_urls",
                   [&](od::value& element) { read(element, "audio_recording_urls", urls.emplace_back()); });
        return RecordList<RecordText>::borrowed(urls, *memory);
    }

    void read_leg_member(std::string_view name, od::value& value, Leg& leg, Extra& extra) {
        switch (name.size()) {  // a first sieve: most names differ in length
            case 2:
                if (name == "id") return read_id(value, "leg id", leg.id);
                break;
            case 4:
                if (name == "site") return read_only("id", value, name, leg.site_id, extra);
                break;
            case 8:
                if (name == "operator") return read_only("id", value, name, leg.operator_id, extra);
                if (name == "duration") {
                    leg.duration = seconds_of(value, "leg duration");
                    return;
                }
                if (name == "ended_at") {
                    leg.ended_at = instant_of(value, name);
                    return;
                }
                break;
            case 10:
                if (name == "end_reason") return read(value, name, leg.end_reason);
                break;
            case 11:
                if (name == "accepted_at") {
                    leg.accepted_at = instant_of(value, name);
                    return;
                }
                break;
            case 12:
                if (name == "requested_at") {
                    leg.requested_at = instant_of(value, name);
                    return;
                }
                if (name == "request_type") return read(value, name, leg.request_type);
                break;
            case 14:
                if (name == "request_source") return read(value, name, leg.request_source);
                if (name == "request_queues") {
                    leg.request_queues = read_queues(value, name, extra);
                    return;
                }
                break;
            case 15:
                if (name == "used_cobrowsing") {
                    leg.used_cobrowsing = flag_of(value, name);
                    return;
                }
                break;
            case 18:
                if (name == "offered_media_type") return read(value, name, leg.offered_media_type);
                break;
            case 19:
                if (name == "accepted_media_type") return read(value, name, leg.accepted_media_type);
                break;
            case 26:
                if (name == "highest_visitor_media_type")
                    return read(value, name, leg.highest_visitor_media_type);
                break;
            case 27:
                if (name == "highest_operator_media_type")
                    return read(value, name, leg.highest_operator_media_type);
                break;
            default:
                break;
        }
        extra.add(name, value);
    }

    void read_legs(od::value& value, std::optional<RecordList<Leg>>& target) {
        target.reset();
        if (is_null(value)) return;
        legs.clear();
        read_array(value, "legs", [&](od::value& element) {
            if (element.type().value() != od::json_type::object) {
                reject("legs", "holds something that is not an object: " + shown(element.raw_json_token()));
            }
            Leg& leg = legs.emplace_back();
            Extra extra;
            read_object(element, "legs", [&](std::string_view name, od::value& inner) {
                read_leg_member(name, inner, leg, extra);
            });
            if (!leg.id) leg.id = keep("#" + std::to_string(legs.size() - 1));
            leg.extra = keep_if(extra.text());
        });
        target = RecordList<Leg>::borrowed(legs, *memory);
    }

    void read_member(std::string_view name, od::value& value, Engagement& e, OptionalInstant& created_at,
                     Extra& extra) {
        switch (name.size()) {  // a first sieve: most names differ in length
            case 2:
                if (name == "id") return read_id(value, name, e.id);
                break;
            case 4:
                if (name == "legs") return read_legs(value, e.legs);
                break;
            case 6:
                if (name == "source") return read(value, name, e.source);
                if (name == "queues") {
                    e.queues = read_queues(value, name, extra);
                    return;
                }
                break;
            case 7:
                if (name == "flagged") {
                    e.flagged = flag_of(value, name);
                    return;
                }
                if (name == "visitor") return read_only("href", value, name, e.visitor_href, extra);
                break;
            case 8:
                if (name == "duration") {
                    e.duration = seconds_of(value, name);
                    return;
                }
                if (name == "platform") return read(value, name, e.platform);
                break;
            case 9:
                if (name == "operators") {
                    e.operators = read_operators(value, extra);
                    return;
                }
                break;
            case 10:
                if (name == "created_at") {
                    created_at = instant_of(value, name);
                    return;
                }
                if (name == "visitor_id") return read(value, name, e.visitor_id);
                if (name == "video_used") {
                    e.video_used = flag_of(value, name);
                    return;
                }
                if (name == "audio_used") {
                    e.audio_used = flag_of(value, name);
                    return;
                }
                break;
            case 12:
                if (name == "visitor_name") return read(value, name, e.visitor_name);
                break;
            case 13:
                if (name == "crm_forwarded") {
                    e.crm_forwarded = flag_of(value, name);
                    return;
                }
                break;
            case 15:
                if (name == "engagement_type") return read(value, name, e.engagement_type);
                if (name == "visitor_browser") return read(value, name, e.visitor_browser);
                if (name == "cobrowsing_used") {
                    e.cobrowsing_used = flag_of(value, name);
                    return;
                }
                if (name == "queue_wait_time") {
                    e.queue_wait_time = seconds_of(value, name);
                    return;
                }
                if (name == "chat_transcript")
                    return read_only("href", value, name, e.chat_transcript_href, extra);
                break;
            case 17:
                if (name == "summary_forwarded") {
                    e.summary_forwarded = flag_of(value, name);
                    return;
                }
                break;
            case 19:
                if (name == "visitor_device_type") return read(value, name, e.visitor_device_type);
                break;
            case 20:
                if (name == "audio_recording_urls") {
                    e.audio_recording_urls = read_urls(value);
                    return;
                }
                break;
            default:
                break;
        }
        extra.add(name, value);
    }
};

RecordReader::RecordReader() : impl_(std::make_unique<Impl>()) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;

void RecordReader::begin(std::size_t expected, bool nul) {
    // What a bad record left lies in the memory that goes now.
    impl_->queues.clear();
    impl_->operators.clear();
    impl_->urls.clear();
    impl_->legs.clear();
    impl_->memory = std::make_shared<RecordMemory>(expected);
    impl_->nul = nul;
}

void RecordReader::read(od::value& value, Engagement& engagement) {
    if (value.type().value() != od::json_type::object) throw BadRecord{"the record is not an object"};
    engagement.memory = MemoryHold(impl_->memory);
    OptionalInstant created_at;
    Extra extra;
    read_object(value, "the record", [&](std::string_view name, od::value& inner) {
        impl_->read_member(name, inner, engagement, created_at, extra);
    });
    if (!engagement.id || (*engagement.id).empty()) throw BadRecord{"id is missing"};
    if (!created_at) throw BadRecord{"created_at is missing"};
    engagement.created_at = *created_at;
    engagement.extra = impl_->keep_if(extra.text());
}

}  // namespace glia
