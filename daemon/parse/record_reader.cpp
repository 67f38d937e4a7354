#include "daemon/parse/record_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>  // and memrchr, which is glibc's

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/object_reader.hpp"
#include "daemon/parse/timestamp.hpp"
#include "daemon/parse/undocumented.hpp"

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
    return value.size() <= kLongest ? std::string(value) : std::string(value.substr(0, kLongest)) + "…";
}

bool is_null(od::value& value) {
    return value.type().value() == od::json_type::null && static_cast<bool>(value.is_null());
}

void expect_null(od::value& value, simdjson::error_code error, std::string_view field, const char* what) {
    if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
    if (!is_null(value)) reject(field, what + shown(value.raw_json_token()));
}

// ------------------------------------------------------------------------------------------- values

namespace {

// PostgreSQL's B-tree refuses keys over a third of a page; no id of the API comes near.
constexpr std::size_t kLongestId = 1000;

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

// What is read is set where it goes, not returned: an optional that has just been put together would have to
// be waited for to be copied as a whole.

void read_seconds(od::value& value, std::string_view field, OptionalSeconds& target) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) {
        target.emplace(number);
        return;
    }
    if (is_null(value)) return target.reset();
    // 10.0 and 1e1 are whole numbers too.
    double real = 0;
    const std::string token = shown(value.raw_json_token());
    if (value.type().value() != od::json_type::number || value.get_double().get(real) != simdjson::SUCCESS ||
        std::trunc(real) != real || std::abs(real) > 9e15) {
        reject(field, "is not a whole number: " + token);
    }
    target.emplace(static_cast<std::int64_t>(real));
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

RecordText read_text(od::value& value, std::string_view field) {
    const auto text = string_of(value, field);
    return text ? RecordText(without_nul(*text)) : RecordText();
}

RecordText read_id(od::value& value, std::string_view field) {
    RecordText id = read_text(value, field);
    if (id) check_id(*id, field);
    return id;
}

// ------------------------------------------------------------------------------------------ records

struct RecordReader::Impl {
    RecordMemory* memory = nullptr;
    od::parser* parser = nullptr;  // what the values are of
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
    /// null.
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
        return memory->keep(without_nul(parser->unescape(raw, to).value()));
    }
    /// False, and nothing has changed, for null.
    bool read_time(od::value& value, std::string_view field, Instant& target) {
        const std::string_view text = text_of(value, field);
        if (!text.data()) return false;
        if (!parse_timestamp(text, target)) reject(field, "is not an ISO 8601 time: " + shown(text));
        return true;
    }

    [[gnu::always_inline]] void read(od::value& value, std::string_view field, RecordText& target) {
        const std::string_view text = text_of(value, field);
        if (text.data()) {
            target.borrow(text);
        } else {
            target.reset();
        }
    }
    void read_id(od::value& value, std::string_view field, RecordText& target) {
        read(value, field, target);
        if (target) check_id(*target, field);
    }

    // Members, by their names and types, and into which member of a record they go. `kShown` is the name
    // that a reason gives.

    template <Name kMember, auto kTarget, Name kShown = kMember>
    struct Text {
        static constexpr auto kName = kMember;
        static void read(Impl& in, od::value& value, auto& record, Undocumented&) {
            in.read(value, kShown.view(), record.*kTarget);
        }
    };
    template <Name kMember, auto kTarget, Name kShown = kMember>
    struct Id {
        static constexpr auto kName = kMember;
        static void read(Impl& in, od::value& value, auto& record, Undocumented&) {
            in.read_id(value, kShown.view(), record.*kTarget);
        }
    };
    template <Name kMember, auto kTarget>
    struct Time {
        static constexpr auto kName = kMember;
        static void read(Impl& in, od::value& value, auto& record, Undocumented&) {
            OptionalInstant& target = record.*kTarget;
            if (!in.read_time(value, kName.view(), target.emplace())) target.reset();
        }
    };
    template <Name kMember, auto kTarget, Name kShown = kMember>
    struct Seconds {
        static constexpr auto kName = kMember;
        static void read(Impl&, od::value& value, auto& record, Undocumented&) {
            read_seconds(value, kShown.view(), record.*kTarget);
        }
    };
    template <Name kMember, auto kTarget>
    struct Flag {
        static constexpr auto kName = kMember;
        static void read(Impl&, od::value& value, auto& record, Undocumented&) {
            record.*kTarget = flag_of(value, kName.view());
        }
    };
    /// An object of which one member is wanted, `kInner`: an address or an id.
    template <Name kMember, Name kInner, auto kTarget>
    struct Only {
        static constexpr auto kName = kMember;
        struct Inner {
            static constexpr auto kName = kInner;
            static void read(Impl& in, od::value& value, RecordText& target, Undocumented&) {
                if constexpr (kInner.view() == "id") {
                    in.read_id(value, kMember.view(), target);
                } else {
                    in.read(value, kMember.view(), target);
                }
            }
        };
        static void read(Impl& in, od::value& value, auto& record, Undocumented& unknown) {
            RecordText& target = record.*kTarget;
            if (std::array<std::string_view, 1> text; plain_texts<kInner>(value, text)) {
                if constexpr (kInner.view() == "id") check_id(text[0], kMember.view());
                target.borrow(text[0]);
                return;
            }
            Undocumented beside;
            target.reset();
            read_object<Inner>(in, value, kName.view(), target, beside);
            beside.put_into(unknown, kName.view());
        }
    };
    template <Name kMember, auto kTarget>
    struct Queues {
        static constexpr auto kName = kMember;
        static void read(Impl& in, od::value& value, auto& record, Undocumented& unknown) {
            record.*kTarget = in.read_queues(value, kName.view(), unknown);
        }
    };

    RecordList<QueueRef> read_queues(od::value& value, std::string_view field, Undocumented& unknown) {
        UndocumentedList beside;
        queues.clear();
        read_array(value, field, [&](od::value& element) {
            QueueRef& queue = queues.emplace_back();
            Undocumented entry;
            if (std::array<std::string_view, 2> texts; plain_texts<"id", "name">(element, texts)) {
                check_id(texts[0], "queue id");
                queue.id.borrow(texts[0]);
                queue.name.borrow(texts[1]);
            } else {
                read_object<Id<"id", &QueueRef::id, "queue id">, Text<"name", &QueueRef::name, "queue name">>(
                    *this, element, field, queue, entry);
            }
            beside.add(entry);
        });
        beside.put_into(unknown, field);
        return RecordList<QueueRef>::borrowed(queues, *memory);
    }

    struct Operators {
        static constexpr Name kName = "operators";
        static void read(Impl& in, od::value& value, Engagement& e, Undocumented& unknown) {
            UndocumentedList beside;
            in.operators.clear();
            read_array(value, kName.view(), [&](od::value& element) {
                OperatorRef& op = in.operators.emplace_back();
                Undocumented entry;
                if (std::array<std::string_view, 1> text; plain_texts<"href">(element, text)) {
                    op.href.borrow(text[0]);
                } else {
                    read_object<Text<"href", &OperatorRef::href, "operator href">>(in, element, kName.view(),
                                                                                   op, entry);
                }
                const std::string_view id = op.href ? last_segment(*op.href) : std::string_view();
                if (!id.empty()) op.operator_id = RecordText::borrowed(id);
                beside.add(entry);
            });
            beside.put_into(unknown, kName.view());
            e.operators = RecordList<OperatorRef>::borrowed(in.operators, *in.memory);
        }
    };

    struct RecordingUrls {
        static constexpr Name kName = "audio_recording_urls";
        static void read(Impl& in, od::value& value, Engagement& e, Undocumented&) {
            in.urls.clear();
            read_array(value, kName.view(),
                       [&](od::value& element) { in.read(element, kName.view(), in.urls.emplace_back()); });
            e.audio_recording_urls = RecordList<RecordText>::borrowed(in.urls, *in.memory);
        }
    };

    struct CreatedAt {
        static constexpr Name kName = "created_at";
        static void read(Impl& in, od::value& value, Engagement& e, Undocumented&) {
            if (!in.read_time(value, kName.view(), e.created_at)) e.created_at = kNever;
        }
    };

    struct Legs {
        static constexpr Name kName = "legs";
        static void read(Impl& in, od::value& value, Engagement& e, Undocumented&) {
            e.legs.reset();
            if (is_null(value)) return;
            in.legs.clear();
            read_array(value, kName.view(), [&](od::value& element) {
                if (element.type().value() != od::json_type::object) {
                    reject(kName.view(),
                           "holds something that is not an object: " + shown(element.raw_json_token()));
                }
                Leg& leg = in.legs.emplace_back();
                in.read_leg(element, leg);
                if (!leg.id) leg.id = in.keep("#" + std::to_string(in.legs.size() - 1));
            });
            e.legs = RecordList<Leg>::borrowed(in.legs, *in.memory);
        }
    };

    // In the order of the documentation, which is that of the API.

    void read_leg(od::value& value, Leg& leg) {
        Undocumented unknown;
        read_object<Id<"id", &Leg::id, "leg id">,                                            //
                    Only<"operator", "id", &Leg::operator_id>,                               //
                    Only<"site", "id", &Leg::site_id>,                                       //
                    Time<"requested_at", &Leg::requested_at>,                                //
                    Time<"accepted_at", &Leg::accepted_at>,                                  //
                    Text<"request_type", &Leg::request_type>,                                //
                    Text<"request_source", &Leg::request_source>,                            //
                    Text<"offered_media_type", &Leg::offered_media_type>,                    //
                    Text<"accepted_media_type", &Leg::accepted_media_type>,                  //
                    Queues<"request_queues", &Leg::request_queues>,                          //
                    Seconds<"duration", &Leg::duration, "leg duration">,                     //
                    Text<"highest_visitor_media_type", &Leg::highest_visitor_media_type>,    //
                    Text<"highest_operator_media_type", &Leg::highest_operator_media_type>,  //
                    Flag<"used_cobrowsing", &Leg::used_cobrowsing>,                          //
                    Time<"ended_at", &Leg::ended_at>,                                        //
                    Text<"end_reason", &Leg::end_reason>>(*this, value, "legs", leg, unknown);
        if (!unknown.empty()) leg.extra = keep(unknown.object());
    }

    void read_engagement(od::value& value, Engagement& e) {
        e.created_at = kNever;
        Undocumented unknown;
        read_object<Id<"id", &Engagement::id>,                                           //
                    Text<"engagement_type", &Engagement::engagement_type>,               //
                    CreatedAt,                                                           //
                    Seconds<"duration", &Engagement::duration>,                          //
                    Text<"visitor_name", &Engagement::visitor_name>,                     //
                    Text<"visitor_browser", &Engagement::visitor_browser>,               //
                    Text<"visitor_device_type", &Engagement::visitor_device_type>,       //
                    Text<"visitor_id", &Engagement::visitor_id>,                         //
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
                    Legs>(*this, value, "the record", e, unknown);
        if (!e.id || (*e.id).empty()) throw BadRecord{"id is missing"};
        if (e.created_at == kNever) throw BadRecord{"created_at is missing"};
        if (!unknown.empty()) e.extra = keep(unknown.object());
    }
};

RecordReader::RecordReader() : impl_(std::make_unique<Impl>()) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;

void RecordReader::read(od::value& value, od::parser& parser, const std::shared_ptr<RecordMemory>& memory,
                        Engagement& engagement) {
    if (value.type().value() != od::json_type::object) throw BadRecord{"the record is not an object"};
    engagement.memory = MemoryHold(memory);
    impl_->memory = memory.get();
    impl_->parser = &parser;
    try {
        impl_->read_engagement(value, engagement);
    } catch (...) {
        impl_->clear();
        throw;
    }
}

}  // namespace glia
