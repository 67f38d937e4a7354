#include "daemon/parse/record_reader.hpp"

#include <array>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/extra_members.hpp"
#include "daemon/parse/leg_ids.hpp"
#include "daemon/parse/object_reader.hpp"
#include "sinks/fields/engagement_fields.hpp"
#include "sinks/timestamp.hpp"

namespace glia {

namespace od = simdjson::ondemand;

namespace {

// Marks a missing created_at: parse_timestamp() never returns it.
constexpr Instant kNever = Instant::min();

/// The types that read the members of a record, one for each field that the API sends.
template <template <typename> typename Member, typename List>
struct MembersOf;
template <template <typename> typename Member, typename... Fields>
struct MembersOf<Member, FieldList<Fields...>> {
    using Types = decltype(std::tuple_cat(
        std::declval<
            std::conditional_t<Fields::is_api_member, std::tuple<Member<Fields>>, std::tuple<>>>()...));
};

/// True if the elements of a list have their own member `extra`.
template <typename List>
struct HasExtra;
template <typename... Fields>
struct HasExtra<FieldList<Fields...>> {
    static constexpr bool value = (Fields::is_extra || ...);
};

template <typename T>
struct OptionalList : std::false_type {
    using List = T;
};
template <typename T>
struct OptionalList<std::optional<T>> : std::true_type {
    using List = T;
};

/// Sets the derived members of an element.
void derive(QueueRef&) {}
void derive(OperatorRef& op) {
    const std::string_view id = op.href ? last_segment(*op.href) : std::string_view();
    if (!id.empty()) op.operator_id = RecordText::borrowed(id);
}

void make_distinct(std::vector<Leg>& legs, RecordMemory& memory) {
    assign_leg_ids(legs, memory);
}
template <typename Element>
void make_distinct(std::vector<Element>&, RecordMemory&) {}

}  // namespace

struct RecordReader::Impl {
    RecordMemory* memory = nullptr;
    od::parser* parser = nullptr;  // the parser of the values
    ParseMode mode = ParseMode::strict;
    bool other_type = false;  // the value read last is neither a string nor null
    // Why id or created_at is not usable; null: it is usable.
    const char *bad_id = nullptr, *bad_created_at = nullptr;
    std::string bad_id_reason{}, bad_created_at_reason{};
    std::string unescaped{};
    // Buffers for the lists: their length is known only at their end.
    std::tuple<std::vector<QueueRef>, std::vector<OperatorRef>, std::vector<RecordText>, std::vector<Leg>>
        lists{};

    /// Clears what a bad record left: its elements refer to an arena that may be freed.
    void clear() {
        std::apply([](auto&... list) { (list.clear(), ...); }, lists);
    }

    RecordText keep(std::string_view text) { return RecordText::borrowed(memory->keep(text)); }

    /// Returns the string's text: a view into the body or, if it has escapes, into the arena. data() is null
    /// for a JSON null and for a value of another type, which sets `other_type`.
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
        while (*end != '"') end = end_or_escape(end + 2);  // skips the backslash and the byte after it
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

    // Readers for each kind of field. Each returns false for a value of another type.

    /// Reads the value of a field, or of the nested member that the field names.
    template <typename Field>
    static bool read_value(Impl& in, od::value& value, typename Field::Record& record, std::string_view name,
                           ExtraMembers& unknown) {
        auto& target = record.*Field::member;
        if constexpr (Field::kind == FieldKind::text) {
            return in.read(value, target);
        } else if constexpr (Field::kind == FieldKind::id) {
            if (!in.read(value, target)) return false;
            if (is_id(*target)) return true;
            unknown.add_documented(name, *target);
            target.reset();
            return true;
        } else if constexpr (Field::kind == FieldKind::time) {
            const std::string_view text = in.text_of(value);
            if (text.data() && parse_timestamp(text, target.emplace())) return true;
            target.reset();
            if (!text.data()) return !in.other_type;
            unknown.add_documented(name, text);
            return true;
        } else if constexpr (Field::kind == FieldKind::seconds) {
            return read_seconds(value, target);
        } else {
            static_assert(Field::kind == FieldKind::flag);
            return read_flag(value, target);
        }
    }

    /// Reads the documented member of a nested object.
    template <typename Field>
    struct Inner {
        static constexpr auto kName = Field::inner;
        static bool read(Impl& in, od::value& value, typename Field::Record& record, ExtraMembers& unknown) {
            return read_value<Field>(in, value, record, kName.view(), unknown);
        }
    };
    template <typename Field>
    struct Member {
        static constexpr auto kName = Field::name;
        static bool read(Impl& in, od::value& value, typename Field::Record& record, ExtraMembers& unknown) {
            if constexpr (Field::kind == FieldKind::list) {
                return in.read_list<Field>(value, record.*Field::member, unknown);
            } else if constexpr (Field::required && Field::kind == FieldKind::id) {
                return in.read_engagement_id(value, record);
            } else if constexpr (Field::required) {
                return in.read_created_at(value, record);
            } else if constexpr (!Field::inner.empty()) {
                return in.read_inner<Field>(value, record, unknown);
            } else {
                return read_value<Field>(in, value, record, kName.view(), unknown);
            }
        }
    };

    template <typename List, typename Record>
    bool read_fields(od::value& value, Record& record, ExtraMembers& unknown) {
        return read_types(static_cast<typename MembersOf<Member, List>::Types*>(nullptr), value, record,
                          unknown);
    }
    template <typename... Types, typename Record>
    bool read_types(const std::tuple<Types...>*, od::value& value, Record& record, ExtraMembers& unknown) {
        return read_object<Types...>(*this, value, record, unknown);
    }

    template <typename Field>
    bool read_inner(od::value& value, typename Field::Record& record, ExtraMembers& unknown) {
        RecordText& target = record.*Field::member;
        std::string_view text;
        if (PlainObject object(value); object.next(Field::inner, text) && object.ended() &&
                                       (Field::kind != FieldKind::id || is_id(text))) {
            target.borrow(text);
            return true;
        }
        ExtraMembers inner_extra(mode);
        target.reset();
        if (!read_object<Inner<Field>>(*this, value, record, inner_extra)) return false;
        inner_extra.put_into(unknown, Field::name.view());
        return true;
    }

    // Lists. An element of another type than documented becomes an empty element, so that the others keep
    // their positions. Only a list whose elements have their own `extra` leaves such an element out.

    template <typename Field>
    bool read_list(od::value& value, typename Field::Type& target, ExtraMembers& unknown) {
        using Optional = OptionalList<typename Field::Type>;
        using List = typename Optional::List;
        using Element = typename List::Element;
        if constexpr (Optional::value) {
            target.reset();
            if (is_null(value)) return true;
        }
        ExtraMembersList element_extras(mode, std::is_void_v<typename Field::Elements> ? "null" : "{}");
        auto& elements = std::get<std::vector<Element>>(lists);
        elements.clear();
        const bool good = read_array(value, [&](od::value& element) {
            read_element<typename Field::Elements>(element, elements, element_extras);
        });
        if (Optional::value && !good) return false;
        element_extras.put_into(unknown, Field::name.view());
        make_distinct(elements, *memory);
        target = List::borrowed(elements, *memory);
        return good;
    }

    template <typename Fields, typename Element>
    void read_element(od::value& value, std::vector<Element>& elements, ExtraMembersList& element_extras) {
        if constexpr (std::is_void_v<Fields>) {
            read(value, elements.emplace_back()) ? element_extras.skip() : element_extras.add_element(value);
        } else if constexpr (HasExtra<Fields>::value) {
            if (value.type().value() != od::json_type::object) return element_extras.add_element(value);
            Element& element = elements.emplace_back();
            ExtraMembers unknown(mode);
            read_fields<Fields>(value, element, unknown);
            if (!unknown.empty()) element.extra = keep(unknown.object());
            element_extras.skip();
        } else {
            Element& element = elements.emplace_back();
            if (read_plain(static_cast<Fields*>(nullptr), value, element)) {
                element_extras.skip();
            } else if (ExtraMembers entry(mode); read_fields<Fields>(value, element, entry)) {
                element_extras.add(entry);
            } else {
                element_extras.add_element(value);
            }
            derive(element);
        }
    }

    /// Reads an element of strings that has the form of PlainObject. Otherwise returns false and reads
    /// nothing.
    template <typename... Fields, typename Element>
    [[gnu::always_inline]] bool read_plain(const FieldList<Fields...>*, od::value& value, Element& element) {
        std::array<std::string_view, sizeof...(Fields)> texts;
        std::size_t at = 0;
        PlainObject object(value);
        const auto next = [&]<typename F>(std::type_identity<F>) {
            std::string_view& text = texts[at++];
            if constexpr (!F::is_api_member) return true;
            return object.next(F::name, text) && (F::kind != FieldKind::id || is_id(text));
        };
        if (!(next(std::type_identity<Fields>{}) && ...) || !object.ended()) return false;
        at = 0;
        FieldList<Fields...>::for_each([&]<typename F>() {
            const std::string_view text = texts[at++];
            if constexpr (F::is_api_member) (element.*F::member).borrow(text);
        });
        return true;
    }

    // The two required members. Of duplicate names the last one is used, so a fault is reported only at the
    // end.

    bool read_engagement_id(od::value& value, Engagement& e) {
        const bool is_text = read(value, e.id);
        if (is_text && is_engagement_id(*e.id)) {
            bad_id = nullptr;
        } else {
            explain_bad_id(value, e.id, is_text);
        }
        return true;
    }
    bool read_created_at(od::value& value, Engagement& e) {
        const std::string_view text = text_of(value);
        if (text.data() && parse_timestamp(text, e.created_at)) {
            bad_created_at = nullptr;
            return true;
        }
        explain_bad_created_at(value, text);
        e.created_at = kNever;
        return true;
    }
    [[gnu::noinline, gnu::cold]] void explain_bad_created_at(od::value& value, std::string_view text) {
        if (!text.data() && !other_type) return void(bad_created_at = "created_at is missing");
        bad_created_at_reason = !text.data() ? "created_at is not a string: " + shown(value.raw_json_token())
                                             : "created_at is not an ISO 8601 time: " + shown(text);
        bad_created_at = bad_created_at_reason.c_str();
    }
    [[gnu::noinline, gnu::cold]] void explain_bad_id(od::value& value, const RecordText& id, bool is_text) {
        if (is_text && (!id || (*id).empty())) return void(bad_id = "id is missing");
        bad_id_reason = !is_text     ? "id is not a string: " + shown(value.raw_json_token())
                        : is_id(*id) ? "id holds a character that cannot be stored: " + shown(*id)
                                     : "id is longer than an id can be";
        bad_id = bad_id_reason.c_str();
    }

    void read_engagement(od::value& value, Engagement& e) {
        e.created_at = kNever;
        bad_id = "id is missing";
        bad_created_at = "created_at is missing";
        ExtraMembers unknown(mode);
        read_fields<EngagementFields>(value, e, unknown);
        if (bad_id) throw BadRecord{bad_id};
        if (bad_created_at) throw BadRecord{bad_created_at};
        if (!unknown.empty()) e.extra = keep(unknown.object());
    }
};

RecordReader::RecordReader() : impl_(std::make_unique<Impl>()) {}
RecordReader::~RecordReader() = default;
RecordReader::RecordReader(RecordReader&&) noexcept = default;

void RecordReader::read(od::value& value, od::parser& parser, const std::shared_ptr<RecordMemory>& memory,
                        ParseMode mode, Engagement& engagement) {
    if (value.type().value() != od::json_type::object) throw BadRecord{"the record is not an object"};
    engagement.memory = MemoryHold(memory);
    impl_->memory = memory.get();
    impl_->parser = &parser;
    impl_->mode = mode;
    try {
        impl_->read_engagement(value, engagement);
    } catch (...) {
        impl_->clear();
        throw;
    }
}

}  // namespace glia
