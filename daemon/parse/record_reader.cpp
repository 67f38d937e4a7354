#include "daemon/parse/record_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>  // and memrchr, which is glibc's
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "daemon/base/timestamp.hpp"
#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/object_reader.hpp"
#include "daemon/parse/undocumented.hpp"
#include "sinks/json_text.hpp"

namespace glia {

namespace od = simdjson::ondemand;

// ------------------------------------------------------------------------------------ what is wrong

void reject(std::string_view field, std::string_view what) {
    throw BadRecord{std::string(field) + " " + std::string(what)};
}

std::string shown(std::string_view value) {
    // What is wrong is shown to a person, not kept.
    constexpr std::size_t kLongest = 60;
    value = trimmed(value);
    std::string text = repair_utf8(value.substr(0, kLongest));  // the cut may go through a character
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return value.size() <= kLongest ? text : text + "…";
}

bool is_null(od::value& value) {
    return value.type().value() == od::json_type::null && static_cast<bool>(value.is_null());
}

bool is_null_instead(od::value& value, simdjson::error_code error) {
    if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
    return is_null(value);
}

// ------------------------------------------------------------------------------------------- values

namespace {

// PostgreSQL's B-tree refuses keys over a third of a page; no id of the API comes near.
constexpr std::size_t kLongestId = 1000;

bool is_id(std::string_view text) {
    return text.size() <= kLongestId;
}

// What is read is set where it goes, not returned: an optional that has just been put together would have to
// be waited for to be copied as a whole. Each reader returns false, and leaves its target empty, for a value
// of another type.

bool read_seconds(od::value& value, OptionalSeconds& target) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) {
        target.emplace(number);
        return true;
    }
    target.reset();
    if (is_null(value)) return true;
    // 10.0 and 1e1 are whole numbers too.
    double real = 0;
    if (value.type().value() != od::json_type::number || value.get_double().get(real) != simdjson::SUCCESS ||
        std::trunc(real) != real || std::abs(real) > 9e15) {
        return false;
    }
    target.emplace(static_cast<std::int64_t>(real));
    return true;
}

bool read_flag(od::value& value, OptionalFlag& target) {
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
    if ((is_true | is_false | is("null")) != 0) {
        target = kMeanings[2 * is_true + is_false];
        return true;
    }
    // With white space behind it, or not what it should be.
    bool flag = false;
    if (value.get_bool().get(flag) == simdjson::SUCCESS) {
        target = flag;
        return true;
    }
    target.reset();
    return is_null(value);
}

std::string_view last_segment(std::string_view path) {
    path = path.substr(0, std::min(path.find('?'), path.find('#')));
    while (path.ends_with('/')) path.remove_suffix(1);
    const void* const slash = memrchr(path.data(), '/', path.size());
    return slash ? path.substr(static_cast<std::size_t>(static_cast<const char*>(slash) - path.data()) + 1)
                 : path;
}

// A record's created_at while it has none: no time that can be read is so early.
constexpr Instant kNever = Instant::min();

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

bool read_text(od::value& value, RecordText& target) {
    std::string_view text;
    target.reset();
    const auto error = value.get_string().get(text);
    if (error != simdjson::SUCCESS) return is_null_instead(value, error);
    target = RecordText(without_nul(text));
    return true;
}

bool is_engagement_id(std::string_view text) {
    // U+FFFD may stand for something else, which would make one engagement of two. Most ids hold not even its
    // first byte.
    return !text.empty() && is_id(text) &&
           (!std::memchr(text.data(), 0xef, text.size()) ||
            text.find("\xef\xbf\xbd") == std::string_view::npos);
}

// ------------------------------------------------------------------------------------------ records

struct RecordReader::Impl {
    RecordMemory* memory = nullptr;
    od::parser* parser = nullptr;  // what the values are of
    Reading reading = Reading::strict;
    bool other_type = false;  // of the value that was read last, if it is no text
    // Why these two are none; null: they are.
    const char *bad_id = nullptr, *bad_created_at = nullptr;
    std::string bad_id_reason{}, bad_created_at_reason{};
    std::string unescaped{};
    // Lists while they are read: their number is known at the end.
    std::vector<QueueRef> queues{};
    std::vector<OperatorRef> operators{};
    std::vector<RecordText> urls{};
    std::vector<Leg> legs{};

    /// Of what a bad record left: it lies in memory that may go.
    void clear() {
        queues.clear();
        operators.clear();
        urls.clear();
        legs.clear();
    }

    RecordText keep(std::string_view text) { return RecordText::borrowed(memory->keep(text)); }

    /// Where the body has it or, if it has escapes, where the memory has it without; one without data for
    /// null and, with `other_type`, for a value of another type.
    std::string_view text_of(od::value& value) {
        od::raw_json_string raw;
        if (const auto error = value.get_raw_json_string().get(raw); error != simdjson::SUCCESS) {
            other_type = !is_null_instead(value, error);
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
        return memory->keep(without_nul(parser->unescape(raw, to).value()));
    }

    [[gnu::always_inline]] bool read(od::value& value, RecordText& target) {
        const std::string_view text = text_of(value);
        if (text.data()) {
            target.borrow(text);
            return true;
        }
        target.reset();
        return !other_type;
    }

    // Members, by their names and types, and into which member of a record they go.

    template <Name kMember, auto kTarget>
    struct Text {
        static constexpr auto kName = kMember;
        static bool read(Impl& in, od::value& value, auto& record, Undocumented&) {
            return in.read(value, record.*kTarget);
        }
    };
    /// A text that an index holds: one that is too long for that is no id.
    template <Name kMember, auto kTarget>
    struct Id {
        static constexpr auto kName = kMember;
        static bool read(Impl& in, od::value& value, auto& record, Undocumented& unknown) {
            RecordText& target = record.*kTarget;
            if (!in.read(value, target)) return false;
            if (is_id(*target)) return true;
            unknown.add_documented(kName.view(), *target);
            target.reset();
            return true;
        }
    };
    template <Name kMember, auto kTarget>
    struct Time {
        static constexpr auto kName = kMember;
        static bool read(Impl& in, od::value& value, auto& record, Undocumented& unknown) {
            OptionalInstant& target = record.*kTarget;
            const std::string_view text = in.text_of(value);
            if (text.data() && parse_timestamp(text, target.emplace())) return true;
            target.reset();
            if (!text.data()) return !in.other_type;
            unknown.add_documented(kName.view(), text);
            return true;
        }
    };
    template <Name kMember, auto kTarget>
    struct Seconds {
        static constexpr auto kName = kMember;
        static bool read(Impl&, od::value& value, auto& record, Undocumented&) {
            return read_seconds(value, record.*kTarget);
        }
    };
    template <Name kMember, auto kTarget>
    struct Flag {
        static constexpr auto kName = kMember;
        static bool read(Impl&, od::value& value, auto& record, Undocumented&) {
            return read_flag(value, record.*kTarget);
        }
    };
    /// An object of which one member is wanted, `kInner`: an address or an id.
    template <Name kMember, Name kInner, auto kTarget>
    struct Only {
        static constexpr auto kName = kMember;
        struct Inner {
            static constexpr auto kName = kInner;
            static bool read(Impl& in, od::value& value, RecordText& target, Undocumented& unknown) {
                if (!in.read(value, target)) return false;
                if (kInner.view() != "id" || is_id(*target)) return true;
                unknown.add_documented(kName.view(), *target);
                target.reset();
                return true;
            }
        };
        static bool read(Impl& in, od::value& value, auto& record, Undocumented& unknown) {
            RecordText& target = record.*kTarget;
            if (std::array<std::string_view, 1> text;
                plain_texts<kInner>(value, text) && (kInner.view() != "id" || is_id(text[0]))) {
                target.borrow(text[0]);
                return true;
            }
            Undocumented beside(in.reading);
            target.reset();
            if (!read_object<Inner>(in, value, target, beside)) return false;
            beside.put_into(unknown, kName.view());
            return true;
        }
    };
    template <Name kMember, auto kTarget>
    struct Queues {
        static constexpr auto kName = kMember;
        static bool read(Impl& in, od::value& value, auto& record, Undocumented& unknown) {
            return in.read_queues(value, kName.view(), record.*kTarget, unknown);
        }
    };

    /// An element that is not an object stays as an element without texts, so that the others keep their
    /// positions.
    bool read_queues(od::value& value, std::string_view field, RecordList<QueueRef>& target,
                     Undocumented& unknown) {
        UndocumentedList beside(reading);
        queues.clear();
        const bool good = read_array(value, [&](od::value& element) {
            QueueRef& queue = queues.emplace_back();
            if (std::array<std::string_view, 2> texts;
                plain_texts<"id", "name">(element, texts) && is_id(texts[0])) {
                queue.id.borrow(texts[0]);
                queue.name.borrow(texts[1]);
                return beside.skip();
            }
            Undocumented entry(reading);
            if (read_object<Id<"id", &QueueRef::id>, Text<"name", &QueueRef::name>>(*this, element, queue,
                                                                                    entry)) {
                beside.add(entry);
            } else {
                beside.add_element(element);
            }
        });
        beside.put_into(unknown, field);
        target = RecordList<QueueRef>::borrowed(queues, *memory);
        return good;
    }

    struct Operators {
        static constexpr Name kName = "operators";
        static bool read(Impl& in, od::value& value, Engagement& e, Undocumented& unknown) {
            UndocumentedList beside(in.reading);
            in.operators.clear();
            const bool good = read_array(value, [&](od::value& element) {
                OperatorRef& op = in.operators.emplace_back();
                if (std::array<std::string_view, 1> text; plain_texts<"href">(element, text)) {
                    op.href.borrow(text[0]);
                    beside.skip();
                } else if (Undocumented entry(in.reading);
                           read_object<Text<"href", &OperatorRef::href>>(in, element, op, entry)) {
                    beside.add(entry);
                } else {
                    beside.add_element(element);
                }
                const std::string_view id = op.href ? last_segment(*op.href) : std::string_view();
                if (!id.empty()) op.operator_id = RecordText::borrowed(id);
            });
            beside.put_into(unknown, kName.view());
            e.operators = RecordList<OperatorRef>::borrowed(in.operators, *in.memory);
            return good;
        }
    };

    struct RecordingUrls {
        static constexpr Name kName = "audio_recording_urls";
        static bool read(Impl& in, od::value& value, Engagement& e, Undocumented& unknown) {
            UndocumentedList beside(in.reading, "null");
            in.urls.clear();
            const bool good = read_array(value, [&](od::value& element) {
                if (in.read(element, in.urls.emplace_back())) {
                    beside.skip();
                } else {
                    beside.add_element(element);
                }
            });
            beside.put_into(unknown, kName.view());
            e.audio_recording_urls = RecordList<RecordText>::borrowed(in.urls, *in.memory);
            return good;
        }
    };

    // The two members without which there is no record. Of one name twice the last counts, so what is wrong
    // with them is told at the end.

    struct EngagementId {
        static constexpr Name kName = "id";
        static bool read(Impl& in, od::value& value, Engagement& e, Undocumented&) {
            const bool is_text = in.read(value, e.id);
            if (is_text && is_engagement_id(*e.id)) {
                in.bad_id = nullptr;
            } else {
                in.tell_bad_id(value, e.id, is_text);
            }
            return true;
        }
    };
    struct CreatedAt {
        static constexpr Name kName = "created_at";
        static bool read(Impl& in, od::value& value, Engagement& e, Undocumented&) {
            const std::string_view text = in.text_of(value);
            if (text.data() && parse_timestamp(text, e.created_at)) {
                in.bad_created_at = nullptr;
                return true;
            }
            in.tell_bad_created_at(value, text);
            e.created_at = kNever;
            return true;
        }
    };

    [[gnu::noinline, gnu::cold]] void tell_bad_created_at(od::value& value, std::string_view text) {
        if (!text.data() && !other_type) return void(bad_created_at = "created_at is missing");
        bad_created_at_reason = !text.data() ? "created_at is not a string: " + shown(value.raw_json_token())
                                             : "created_at is not an ISO 8601 time: " + shown(text);
        bad_created_at = bad_created_at_reason.c_str();
    }
    [[gnu::noinline, gnu::cold]] void tell_bad_id(od::value& value, const RecordText& id, bool is_text) {
        if (is_text && (!id || (*id).empty())) return void(bad_id = "id is missing");
        bad_id_reason = !is_text     ? "id is not a string: " + shown(value.raw_json_token())
                        : is_id(*id) ? "id holds a character that cannot be stored: " + shown(*id)
                                     : "id is longer than an id can be";
        bad_id = bad_id_reason.c_str();
    }

    struct Legs {
        static constexpr Name kName = "legs";
        static bool read(Impl& in, od::value& value, Engagement& e, Undocumented& unknown) {
            e.legs.reset();
            if (is_null(value)) return true;
            UndocumentedList beside(in.reading);
            in.legs.clear();
            const bool good = read_array(value, [&](od::value& element) {
                if (element.type().value() != od::json_type::object) return beside.add_element(element);
                in.read_leg(element, in.legs.emplace_back());
                beside.skip();
            });
            if (!good) return false;
            beside.put_into(unknown, kName.view());
            in.tell_legs_apart();
            e.legs = RecordList<Leg>::borrowed(in.legs, *in.memory);
            return true;
        }
    };

    /// Gives an id to each leg that has none of its own: `#<position>` to one that came without an id or with
    /// an empty one, `<id>#2` to the second of an id, and so on. The id that was sent is kept in the leg's
    /// `extra`. The same legs in the same order always get the same ids.
    void tell_legs_apart() {
        // Nearly always there are a few legs, and nothing to do.
        constexpr std::size_t kFew = 8;
        const auto has_own_id = [&](const Leg& leg) {
            return leg.id && !(*leg.id).empty() &&
                   std::none_of(std::as_const(legs).data(), &leg,
                                [&](const Leg& other) { return other.id == leg.id; });
        };
        if (legs.size() <= kFew && std::all_of(legs.begin(), legs.end(), has_own_id)) return;
        std::set<std::string, std::less<>> taken;
        std::vector<Leg*> nameless;
        for (Leg& leg : legs) {
            if (!leg.id || (*leg.id).empty() || !taken.emplace(*leg.id).second) nameless.push_back(&leg);
        }
        std::map<std::string, std::size_t> number;  // of the last of an id
        for (Leg* const leg : nameless) {
            const bool repeated = leg->id && !(*leg->id).empty();
            if (leg->id) keep_sent_id(*leg);
            const std::string sent = repeated ? leg->id.str() : std::string();
            std::size_t next = repeated ? 2 : static_cast<std::size_t>(leg - legs.data());
            if (const auto last = number.find(sent); repeated && last != number.end())
                next = last->second + 1;
            std::string id;
            do id = sent + "#" + std::to_string(next++);
            while (!taken.insert(id).second);
            number[sent] = next - 1;
            leg->id = keep(id);
        }
    }
    void keep_sent_id(Leg& leg) {
        std::string why;
        const std::string member = R"({"id":)" + json_quote(*leg.id);
        const std::string merged =
            leg.extra ? member + "," + std::string((*leg.extra).substr(1)) : member + "}";
        leg.extra = keep(canonical_json(merged, why).value_or(merged));
    }

    // In the order of the documentation, which is that of the API.

    void read_leg(od::value& value, Leg& leg) {
        Undocumented unknown(reading);
        read_object<Id<"id", &Leg::id>,                                                      //
                    Only<"operator", "id", &Leg::operator_id>,                               //
                    Only<"site", "id", &Leg::site_id>,                                       //
                    Time<"requested_at", &Leg::requested_at>,                                //
                    Time<"accepted_at", &Leg::accepted_at>,                                  //
                    Text<"request_type", &Leg::request_type>,                                //
                    Text<"request_source", &Leg::request_source>,                            //
                    Text<"offered_media_type", &Leg::offered_media_type>,                    //
                    Text<"accepted_media_type", &Leg::accepted_media_type>,                  //
                    Queues<"request_queues", &Leg::request_queues>,                          //
                    Seconds<"duration", &Leg::duration>,                                     //
                    Text<"highest_visitor_media_type", &Leg::highest_visitor_media_type>,    //
                    Text<"highest_operator_media_type", &Leg::highest_operator_media_type>,  //
                    Flag<"used_cobrowsing", &Leg::used_cobrowsing>,                          //
                    Time<"ended_at", &Leg::ended_at>,                                        //
                    Text<"end_reason", &Leg::end_reason>>(*this, value, leg, unknown);
        if (!unknown.empty()) leg.extra = keep(unknown.object());
    }

    void read_engagement(od::value& value, Engagement& e) {
        e.created_at = kNever;
        bad_id = "id is missing";
        bad_created_at = "created_at is missing";
        Undocumented unknown(reading);
        read_object<EngagementId,                                                        //
                    Text<"engagement_type", &Engagement::engagement_type>,               //
                    CreatedAt,                                                           //
                    Seconds<"duration", &Engagement::duration>,                          //
                    Text<"visitor_name", &Engagement::visitor_name>,                     //
                    Text<"visitor_browser", &Engagement::visitor_browser>,               //
                    Text<"visitor_device_type", &Engagement::visitor_device_type>,       //
                    Id<"visitor_id", &Engagement::visitor_id>,                           //
                    Flag<"cobrowsing_used", &Engagement::cobrowsing_used>,               //
                    Flag<"video_used", &Engagement::video_used>,                         //
                    Flag<"audio_used", &Engagement::audio_used>,                         //
                    Flag<"flagged", &Engagement::flagged>,                               //
                    Seconds<"queue_wait_time", &Engagement::queue_wait_time>,            //
                    Text<"platform", &Engagement::platform>,                             //
                    RecordingUrls,                                                       //
                    Flag<"crm_forwarded", &Engagement::crm_forwarded>,                   //
                    Flag<"summary_forwarded", &Engagement::summary_forwarded>,           //
                    Text<"source", &Engagement::source>,                                 //
                    Only<"visitor", "href", &Engagement::visitor_href>,                  //
                    Only<"chat_transcript", "href", &Engagement::chat_transcript_href>,  //
                    Operators,                                                           //
                    Queues<"queues", &Engagement::queues>,                               //
                    Legs>(*this, value, e, unknown);
        if (bad_id) throw BadRecord{bad_id};
        if (bad_created_at) throw BadRecord{bad_created_at};
        if (!unknown.empty()) e.extra = keep(unknown.object());
    }
};

RecordReader::RecordReader() : impl_(std::make_unique<Impl>()) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;

void RecordReader::read(od::value& value, od::parser& parser, const std::shared_ptr<RecordMemory>& memory,
                        Reading reading, Engagement& engagement) {
    if (value.type().value() != od::json_type::object) throw BadRecord{"the record is not an object"};
    engagement.memory = MemoryHold(memory);
    impl_->memory = memory.get();
    impl_->parser = &parser;
    impl_->reading = reading;
    try {
        impl_->read_engagement(value, engagement);
    } catch (...) {
        impl_->clear();
        throw;
    }
}

}  // namespace glia
