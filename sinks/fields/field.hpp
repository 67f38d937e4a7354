// The building blocks of the lists of fields: each documented member once, with its name, the member of the
// C++ record, its kind and its class of personal data (DESIGN.md §4, "One list of fields"). Parser,
// documented names, content hash, columns and cells, JSON lines and privacy derive from these lists.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>

namespace glia {

/// A string literal as a template argument.
template <std::size_t N>
struct Name {
    char text[N] = {};
    consteval Name(const char (&name)[N]) { std::copy_n(name, N, text); }  // NOLINT: written as a literal
    consteval Name() = default;
    constexpr std::string_view view() const { return {text, N - 1}; }
    constexpr bool empty() const { return N == 1; }
};

/// The kind of a field's value. It determines how the field is read, stored and shown.
enum class FieldKind {
    id,        ///< text short enough for an index
    text,      ///< text of any length
    time,      ///< ISO 8601 at the API, timestamptz
    seconds,   ///< whole seconds, bigint
    flag,      ///< boolean
    json,      ///< canonical JSON, jsonb
    list,      ///< objects or texts: rows of a child table
    texts,     ///< a list of texts in one column, text[]
    position,  ///< place in a list, integer; not a member at the API
    number,    ///< a whole number, bigint
    hash       ///< bytea; not a member at the API
};

/// The kind of personal data in a field, which selects the setting of `privacy` that applies (DESIGN.md §2).
/// `none` is always kept.
enum class PersonalData {
    none,
    visitor_name,
    visitor_id,
    audio_recording_urls,
    operator_name,
    operator_contact
};

namespace detail {

template <typename Pointer>
struct MemberPointer;
template <typename RecordType, typename Value>
struct MemberPointer<Value RecordType::*> {
    using Record = RecordType;
    using Type = Value;
};

/// `first` alone, or `first_second`.
template <std::size_t N, std::size_t M>
consteval auto column_name(const Name<N>& first, const Name<M>& second) {
    char joined[M == 1 ? N : N + M] = {};
    std::copy_n(first.text, N - 1, joined);
    if constexpr (M > 1) {
        joined[N - 1] = '_';
        std::copy_n(second.text, M, joined + N);
    }
    return Name(joined);
}

}  // namespace detail

/// The base of all fields. `kApi`: the member's name at the API. `kInner`: the name of a nested member, if
/// the field is a member of the object `kApi`, as in `visitor.href`.
template <Name kApi, auto kPointer, FieldKind kKind, PersonalData kPersonal = PersonalData::none,
          Name kInner = "">
struct Field {
    using Record = typename detail::MemberPointer<decltype(kPointer)>::Record;
    using Type = typename detail::MemberPointer<decltype(kPointer)>::Type;
    static constexpr auto name = kApi;
    static constexpr auto inner = kInner;
    static constexpr auto column = detail::column_name(kApi, kInner);
    static constexpr auto member = kPointer;
    static constexpr FieldKind kind = kKind;
    static constexpr PersonalData personal = kPersonal;
    static constexpr bool is_api_member = true;  ///< false for a column that the API does not send
    static constexpr bool is_column = true;      ///< false for a list, which has a table of its own
    static constexpr bool required = false;      ///< true if a record without it is rejected
    static constexpr bool is_extra = false;      ///< true for `extra`, which holds members without a field
};

template <Name kApi, auto kPointer, PersonalData kPersonal = PersonalData::none>
struct TextField : Field<kApi, kPointer, FieldKind::text, kPersonal> {};
template <Name kApi, auto kPointer, PersonalData kPersonal = PersonalData::none>
struct IdField : Field<kApi, kPointer, FieldKind::id, kPersonal> {};
template <Name kApi, auto kPointer>
struct TimeField : Field<kApi, kPointer, FieldKind::time> {};
template <Name kApi, auto kPointer>
struct SecondsField : Field<kApi, kPointer, FieldKind::seconds> {};
template <Name kApi, auto kPointer>
struct NumberField : Field<kApi, kPointer, FieldKind::number> {};
template <Name kApi, auto kPointer>
struct TextArrayField : Field<kApi, kPointer, FieldKind::texts> {};
template <Name kApi, auto kPointer>
struct FlagField : Field<kApi, kPointer, FieldKind::flag> {};
template <Name kApi, auto kPointer>
struct JsonField : Field<kApi, kPointer, FieldKind::json> {};

/// A documented member of an object within the record.
template <Name kApi, Name kInner, auto kPointer, PersonalData kPersonal = PersonalData::none>
struct InnerTextField : Field<kApi, kPointer, FieldKind::text, kPersonal, kInner> {};
template <Name kApi, Name kInner, auto kPointer, PersonalData kPersonal = PersonalData::none>
struct InnerIdField : Field<kApi, kPointer, FieldKind::id, kPersonal, kInner> {};

/// A member without which a record cannot be loaded (DESIGN.md §3.5).
template <typename Of>
struct Required : Of {
    static constexpr bool required = true;
};

/// A list of objects with the fields of `ElementFields`.
template <Name kApi, auto kPointer, typename ElementFields>
struct ListField : Field<kApi, kPointer, FieldKind::list> {
    using Elements = ElementFields;
    static constexpr bool is_column = false;
};
/// A list of texts.
template <Name kApi, auto kPointer, PersonalData kPersonal = PersonalData::none>
struct TextListField : Field<kApi, kPointer, FieldKind::list, kPersonal> {
    using Elements = void;
    static constexpr bool is_column = false;
};

/// A column that the API does not send: our own, or derived from a member.
template <Name kColumn, auto kPointer, FieldKind kKind>
struct OwnColumn : Field<kColumn, kPointer, kKind> {
    static constexpr bool is_api_member = false;
};
/// The members without a field, as one canonical JSON object.
template <auto kPointer>
struct ExtraField : OwnColumn<"extra", kPointer, FieldKind::json> {
    static constexpr bool is_extra = true;
};

/// Fields in the order of the API's documentation, which is the order in which the API sends them.
template <typename... Fields>
struct FieldList {
    using Record = typename std::tuple_element_t<0, std::tuple<Fields...>>::Record;
    static constexpr std::size_t size = sizeof...(Fields);

    /// Calls `visit.operator()<Field>()` for each.
    template <typename Visit>
    static constexpr void for_each(Visit&& visit) {
        (visit.template operator()<Fields>(), ...);
    }
    /// The names of the columns, in the order of the cells.
    static constexpr auto columns() {
        std::array<std::string_view, (std::size_t{Fields::is_column} + ... + 0)> names;
        std::size_t count = 0;
        for_each([&]<typename F>() {
            if constexpr (F::is_column) names[count++] = F::column.view();
        });
        return names;
    }
};

}  // namespace glia
