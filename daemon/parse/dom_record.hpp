// Reads the members of a record from simdjson's DOM, by the record's list of fields (sinks/fields; DESIGN.md
// §3.5).
#pragma once

#include <simdjson.h>

#include <string_view>
#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/dom_values.hpp"
#include "daemon/parse/value_reader.hpp"
#include "sinks/fields/field.hpp"

namespace glia {

/// Reads the value of `Field` into the record. For a value of another type, returns false and leaves the
/// field empty.
template <typename Field>
bool read_field(simdjson::dom::element value, typename Field::Record& record) {
    auto& target = record.*Field::member;
    if constexpr (Field::kind == FieldKind::json) {
        target.reset();
        if (!value.is_null()) target = canonical_member(value);
        return true;
    } else {
        if (!read_value(value, target)) return false;
        if constexpr (Field::kind == FieldKind::id) {
            if (target && !is_id(*target)) {
                target.reset();
                return false;
            }
        }
        return true;
    }
}

/// Reads the fields of `Fields` from the record's nested object `name`. Its other members go to `extra` under
/// the object's name. Returns false if `value` is neither an object nor null.
template <typename Fields>
bool read_inner_fields(std::string_view name, simdjson::dom::element value, typename Fields::Record& record,
                       std::vector<JsonMember>& extra) {
    if (value.is_null()) return true;
    if (!value.is_object()) return false;
    std::vector<JsonMember> inner_extra;
    for (const simdjson::dom::key_value_pair inner : simdjson::dom::object(value)) {
        bool taken = false;
        Fields::for_each([&]<typename Field>() {
            if constexpr (!Field::inner.empty()) {
                if (Field::name.view() == name && Field::inner.view() == inner.key)
                    taken = read_field<Field>(inner.value, record);
            }
        });
        if (!taken) inner_extra.emplace_back(without_nul(inner.key), canonical_member(inner.value));
    }
    if (const OptionalText text = object_of(inner_extra)) extra.emplace_back(without_nul(name), *text);
    return true;
}

/// Reads a member of the record. One that has no field, or is not of the type of its field, goes to `extra`.
template <typename Fields>
void read_member(const simdjson::dom::key_value_pair& member, typename Fields::Record& record,
                 std::vector<JsonMember>& extra) {
    bool found = false, taken = false;
    Fields::for_each([&]<typename Field>() {
        if constexpr (Field::is_api_member) {
            if (found || Field::name.view() != member.key) return;
            found = true;
            if constexpr (Field::inner.empty()) {
                taken = read_field<Field>(member.value, record);
            } else {
                taken = read_inner_fields<Fields>(member.key, member.value, record, extra);
            }
        }
    });
    if (!taken) extra.emplace_back(without_nul(member.key), canonical_member(member.value));
}

}  // namespace glia
