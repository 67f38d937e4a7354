// Finds documented members by their API names. Derived from the lists of fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sinks/fields/field.hpp"

namespace glia {

struct DocumentedMember {
    enum class Shape { value, object, list_of_values, list_of_objects };
    Shape shape = Shape::value;
    FieldKind kind = FieldKind::text;  ///< of a value
    PersonalData personal = PersonalData::none;
    bool required = false;
};

/// Finds the member `name` of an engagement or of an object in it. `path`: the names of the enclosing
/// members, joined by `/`; empty at the top level; positions in lists are omitted, as in
/// `legs/request_queues`. None if the member is undocumented (spec: § Output fields, § Engagement Leg,
/// § Queues).
std::optional<DocumentedMember> documented_member(std::string_view path, std::string_view name);

/// Joins two paths.
std::string documented_path(std::string_view path, std::string_view below);

/// True for a member that only an engagement has, not an object in it. False for the required members, which
/// other objects may have too.
bool is_member_of_engagement_alone(std::string_view name);

}  // namespace glia
