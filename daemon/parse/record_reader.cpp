#include "daemon/parse/record_reader.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>  // and memrchr, which is glibc's
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/// Of a value that is not of the type that `field` has: null is as good as none, anything else rejects the
/// record.
void expect_null(od::value& value, simdjson::error_code error, std::string_view field, const char* what) {
    if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
    if (!is_null(value)) reject(field, what + shown(value.raw_json_token()));
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

// --------------------------------------------------------------------------------------------- texts

/// Where a string in the body ends, or has its first escape. It does end: simdjson has seen to that, and that
/// the body has more bytes after its end than are looked at here.
[[gnu::always_inline]] inline const char* end_or_escape(const char* at) {
#ifdef __SSE2__
    const __m128i quotes = _mm_set1_epi8('"'), backslashes = _mm_set1_epi8('\\');
    const auto found_in = [&](const char* from) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        return static_cast<unsigned>(_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, backslashes))));
    };
    for (;; at += 2 * sizeof(__m128i)) {  // nearly all texts end within the first 32 bytes: one way for them
        const unsigned found = found_in(at) | found_in(at + sizeof(__m128i)) << 16;
        if (found != 0) return at + std::countr_zero(found);
    }
#else
    while (*at != '"' && *at != '\\') ++at;
    return at;
#endif
}

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

// ------------------------------------------------------------------------------------------- scalars

/// A string as simdjson keeps it until the end of the body; none for null.
std::optional<std::string_view> string_of(od::value& value, std::string_view field) {
    std::string_view text;
    const auto error = value.get_string().get(text);
    if (error == simdjson::SUCCESS) return text;
    expect_null(value, error, field, "is not a string: ");
    return std::nullopt;
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
    // Which of the three it is cannot be foreseen, so it is not asked for by branches. (Behind a token there
    // is always more of the body, or what pads it.)
    const std::string_view token = value.raw_json_token();
    const auto is = [&](const auto& name) {
        constexpr std::size_t kLength = sizeof name - 1;
        return static_cast<unsigned>(token.size() == kLength) &
               static_cast<unsigned>(std::memcmp(token.data(), name, kLength) == 0);
    };
    static constexpr OptionalFlag kMeanings[] = {std::nullopt, false, true};
    const unsigned is_true = is("true"), is_false = is("false");
    if ((is_true | is_false | is("null")) != 0) return kMeanings[2 * is_true + is_false];
    // With white space behind it, or not what it should be.
    bool flag = false;
    if (value.get_bool().get(flag) == simdjson::SUCCESS) return flag;
    if (is_null(value)) return std::nullopt;
    reject(field, "is not true or false: " + shown(value.raw_json_token()));
}

std::string_view last_segment(std::string_view path) {
    path = path.substr(0, std::min(path.find('?'), path.find('#')));
    while (path.ends_with('/')) path.remove_suffix(1);
    const void* const slash = memrchr(path.data(), '/', path.size());
    return slash ? path.substr(static_cast<std::size_t>(static_cast<const char*>(slash) - path.data()) + 1)
                 : path;
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
        return object();
    }

  private:
    std::string object() {
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

/// The members of an object, one after the other.
class Members {
  public:
    explicit Members(od::object& object) : at_(object.begin().value()), end_(object.end().value()) { load(); }

    bool more() const { return raw_ != kNoName; }
    /// True if the next member has this name, as it stands in the body.
    template <std::size_t N>
    bool next_is(const char (&name)[N]) const {
        static_assert(N <= sizeof kNoName);
        return std::memcmp(raw_, name, N - 1) == 0 && raw_[N - 1] == '"';
    }
    /// The same for a name with escapes. False, and nothing has changed, if it has none.
    bool unescape() {
        if (unescaped_ || *end_or_escape(raw_) == '"') return false;
        const std::string_view name = field_->value_unsafe().unescaped_key();
        unescaped_ = std::make_unique<std::string>(name);
        unescaped_->append(sizeof kNoName, '"');
        // One that holds a quote is none that is asked for, whatever stands before the quote.
        raw_ = unescaped_->c_str() + (name.find('"') == std::string_view::npos ? 0 : name.size());
        return true;
    }
    std::string_view name() const {
        if (unescaped_) return std::string_view(*unescaped_).substr(0, unescaped_->size() - sizeof kNoName);
        return between(raw_, end_or_escape(raw_));
    }
    od::value& value() { return field_->value_unsafe().value(); }
    [[gnu::always_inline]] void step() {
        ++at_;
        load();
    }

  private:
    using Field = simdjson::simdjson_result<od::field>;
    // Longer than any name that is asked for.
    static constexpr char kNoName[64] = {};

    [[gnu::always_inline]] void load() {
        unescaped_.reset();
        if (at_ == end_) {
            raw_ = kNoName;
            return;
        }
        field_ = new (room_) Field(*at_);
        if (field_->error() != simdjson::SUCCESS) throw simdjson::simdjson_error(field_->error());
        raw_ = field_->value_unsafe().key().raw();
    }

    od::object_iterator at_, end_;
    alignas(Field) std::byte room_[sizeof(Field)];
    Field* field_ = nullptr;
    const char* raw_ = kNoName;
    std::unique_ptr<std::string> unescaped_{};
};

/// A member that is known, and what is to be done with its value.
template <std::size_t N, typename Read>
struct Known {
    const char (&name)[N];
    Read read;

    bool take(Members& members) const {
        if (!members.next_is(name)) return false;
        read(members.value());
        members.step();
        return true;
    }
};
template <std::size_t N, typename Read>
Known(const char (&)[N], Read) -> Known<N, Read>;

/// Reads the members that are known, and gives the rest to `extra`. Null is an object without members. As
/// long as members come in the order in which they are listed here, each costs a comparison that comes out as
/// it did the record before; any other order is as good, but takes longer.
template <typename... Ks>
void read_object(od::value& value, std::string_view field, Extra& extra, const Ks&... known) {
    od::object object;
    const auto error = value.get_object().get(object);
    if (error != simdjson::SUCCESS) return expect_null(value, error, field, "is not an object: ");
    Members members(object);
    while (members.more()) {
        bool any = false;
        ((any |= known.take(members)), ...);
        if (any || members.unescape()) continue;
        extra.add(members.name(), members.value());
        members.step();
    }
}

/// Calls `element(value)` for each element. Null is an empty list.
template <typename Element>
void read_array(od::value& value, std::string_view field, Element element) {
    od::array array;
    const auto error = value.get_array().get(array);
    if (error != simdjson::SUCCESS) return expect_null(value, error, field, "is not a list: ");
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
    od::parser* parser = nullptr;  // what the values are of
    std::string unescaped{};
    // Lists while they are read: their number is known at the end.
    std::vector<QueueRef> queues{};
    std::vector<OperatorRef> operators{};
    std::vector<RecordText> urls{};
    std::vector<Leg> legs{};

    RecordText keep(std::string_view text) { return RecordText::borrowed(memory->keep(text)); }
    RecordText keep_if(const OptionalText& text) { return text ? keep(*text) : RecordText(); }

    /// As the body has it, or, if it has escapes, until the next that has; one without data for null.
    std::string_view text_of(od::value& value, std::string_view field) {
        od::raw_json_string raw;
        if (const auto error = value.get_raw_json_string().get(raw); error != simdjson::SUCCESS) {
            expect_null(value, error, field, "is not a string: ");
            return {};
        }
        const char* const begin = raw.raw();
        const char* end = end_or_escape(begin);
        return *end == '"' ? between(begin, end) : unescape(raw, end);
    }
    std::string_view unescape(od::raw_json_string raw, const char* end) {
        while (*end != '"') end = end_or_escape(end + 2);  // an escape is two bytes, or the rest is plain
        unescaped.resize(static_cast<std::size_t>(end - raw.raw()) + simdjson::SIMDJSON_PADDING);
        auto* to = reinterpret_cast<std::uint8_t*>(unescaped.data());
        const std::string_view text = parser->unescape(raw, to);
        if (!has_nul(text)) return text;
        unescaped = clean(text);
        unescaped.reserve(unescaped.size() + RecordMemory::kBlock);
        return unescaped;
    }
    OptionalInstant instant_of(od::value& value, std::string_view field) {
        const std::string_view text = text_of(value, field);
        if (!text.data()) return std::nullopt;
        const OptionalInstant time = parse_timestamp(text);
        if (!time) reject(field, "is not an ISO 8601 time: " + shown(text));
        return time;
    }

    [[gnu::always_inline]] void read(od::value& value, std::string_view field, RecordText& target) {
        const std::string_view text = text_of(value, field);
        if (text.data()) {
            target.borrow(memory->keep_padded(text));
        } else {
            target.reset();
        }
    }
    void read_id(od::value& value, std::string_view field, RecordText& target) {
        read(value, field, target);
        if (target) check_id(*target, field);
    }

    /// `{"href": …}`, with whatever else is in it.
    void read_href(od::value& value, std::string_view field, RecordText& href, Extra& extra) {
        Extra unknown;
        href.reset();
        read_object(value, field, unknown, Known{"href", [&](od::value& v) { read(v, field, href); }});
        if (const OptionalText text = unknown.text()) extra.add_raw(field, *text);
    }

    /// `{"id": …}` of a leg's operator or site.
    void read_reference(od::value& value, std::string_view field, RecordText& id, Extra& extra) {
        Extra unknown;
        id.reset();
        read_object(value, field, unknown, Known{"id", [&](od::value& v) { read_id(v, field, id); }});
        if (const OptionalText text = unknown.text()) extra.add_raw(field, *text);
    }

    RecordList<QueueRef> read_queues(od::value& value, std::string_view field, Extra& extra) {
        ExtraList unknown;
        queues.clear();
        read_array(value, field, [&](od::value& element) {
            QueueRef& queue = queues.emplace_back();
            Extra entry;
            read_object(element, field, entry,  //
                        Known{"id", [&](od::value& v) { read_id(v, "queue id", queue.id); }},
                        Known{"name", [&](od::value& v) { read(v, "queue name", queue.name); }});
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
            read_object(element, "operators", entry,
                        Known{"href", [&](od::value& v) { read(v, "operator href", op.href); }});
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

    template <std::size_t N>
    static std::string_view view(const char (&name)[N]) {
        return {name, N - 1};
    }
    /// How to read a member of one type into where it belongs.
    template <std::size_t N>
    auto text(const char (&name)[N], RecordText& target) {
        return Known{name, [this, &name, &target](od::value& v) { read(v, view(name), target); }};
    }
    template <std::size_t N>
    auto id(const char (&name)[N], std::string_view field, RecordText& target) {
        return Known{name, [this, field, &target](od::value& v) { read_id(v, field, target); }};
    }
    template <std::size_t N>
    auto time(const char (&name)[N], OptionalInstant& target) {
        return Known{name, [this, &name, &target](od::value& v) { target = instant_of(v, view(name)); }};
    }
    template <std::size_t N>
    static auto seconds(const char (&name)[N], std::string_view field, OptionalSeconds& target) {
        return Known{name, [field, &target](od::value& v) { target = seconds_of(v, field); }};
    }
    template <std::size_t N>
    static auto flag(const char (&name)[N], OptionalFlag& target) {
        return Known{name, [&name, &target](od::value& v) { target = flag_of(v, view(name)); }};
    }
    template <std::size_t N>
    auto href(const char (&name)[N], RecordText& target, Extra& extra) {
        return Known{name, [&, this](od::value& v) { read_href(v, view(name), target, extra); }};
    }
    template <std::size_t N>
    auto reference(const char (&name)[N], RecordText& target, Extra& extra) {
        return Known{name, [&, this](od::value& v) { read_reference(v, view(name), target, extra); }};
    }
    template <std::size_t N>
    auto queue_list(const char (&name)[N], RecordList<QueueRef>& target, Extra& extra) {
        return Known{name, [&, this](od::value& v) { target = read_queues(v, view(name), extra); }};
    }

    void read_leg(od::value& value, Leg& leg) {
        Extra extra;
        read_object(value, "legs", extra,                                                  //
                    id("id", "leg id", leg.id),                                            //
                    reference("operator", leg.operator_id, extra),                         //
                    reference("site", leg.site_id, extra),                                 //
                    time("requested_at", leg.requested_at),                                //
                    time("accepted_at", leg.accepted_at),                                  //
                    text("request_type", leg.request_type),                                //
                    text("request_source", leg.request_source),                            //
                    text("offered_media_type", leg.offered_media_type),                    //
                    text("accepted_media_type", leg.accepted_media_type),                  //
                    queue_list("request_queues", leg.request_queues, extra),               //
                    seconds("duration", "leg duration", leg.duration),                     //
                    text("highest_visitor_media_type", leg.highest_visitor_media_type),    //
                    text("highest_operator_media_type", leg.highest_operator_media_type),  //
                    flag("used_cobrowsing", leg.used_cobrowsing),                          //
                    time("ended_at", leg.ended_at),                                        //
                    text("end_reason", leg.end_reason));
        leg.extra = keep_if(extra.text());
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
            read_leg(element, leg);
            if (!leg.id) leg.id = keep("#" + std::to_string(legs.size() - 1));
        });
        target = RecordList<Leg>::borrowed(legs, *memory);
    }

    void read_engagement(od::value& value, Engagement& e) {
        OptionalInstant created_at;
        Extra extra;
        read_object(
            value, "the record", extra,                                                                   //
            id("id", "id", e.id),                                                                         //
            text("engagement_type", e.engagement_type),                                                   //
            time("created_at", created_at),                                                               //
            seconds("duration", "duration", e.duration),                                                  //
            text("visitor_name", e.visitor_name),                                                         //
            text("visitor_browser", e.visitor_browser),                                                   //
            text("visitor_device_type", e.visitor_device_type),                                           //
            text("visitor_id", e.visitor_id),                                                             //
            flag("cobrowsing_used", e.cobrowsing_used),                                                   //
            flag("video_used", e.video_used),                                                             //
            flag("audio_used", e.audio_used),                                                             //
            flag("flagged", e.flagged),                                                                   //
            seconds("queue_wait_time", "queue_wait_time", e.queue_wait_time),                             //
            text("platform", e.platform),                                                                 //
            Known{"audio_recording_urls", [&](od::value& v) { e.audio_recording_urls = read_urls(v); }},  //
            flag("crm_forwarded", e.crm_forwarded),                                                       //
            flag("summary_forwarded", e.summary_forwarded),                                               //
            text("source", e.source),                                                                     //
            href("visitor", e.visitor_href, extra),                                                       //
            href("chat_transcript", e.chat_transcript_href, extra),                                       //
            Known{"operators", [&](od::value& v) { e.operators = read_operators(v, extra); }},
            queue_list("queues", e.queues, extra),  //
            Known{"legs", [&](od::value& v) { read_legs(v, e.legs); }});
        if (!e.id || (*e.id).empty()) throw BadRecord{"id is missing"};
        if (!created_at) throw BadRecord{"created_at is missing"};
        e.created_at = *created_at;
        e.extra = keep_if(extra.text());
    }
};

RecordReader::RecordReader() : impl_(std::make_unique<Impl>()) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;

void RecordReader::begin(od::parser& parser, std::size_t expected) {
    // What a bad record left lies in the memory that goes now.
    impl_->queues.clear();
    impl_->operators.clear();
    impl_->urls.clear();
    impl_->legs.clear();
    impl_->memory = std::make_shared<RecordMemory>(expected);
    impl_->parser = &parser;
}

void RecordReader::read(od::value& value, Engagement& engagement) {
    if (value.type().value() != od::json_type::object) throw BadRecord{"the record is not an object"};
    engagement.memory = MemoryHold(impl_->memory);
    impl_->read_engagement(value, engagement);
}

}  // namespace glia
