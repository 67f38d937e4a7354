// What the documentation knows, by the names that a record has at the API: derived from the lists of fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sinks/fields/field.hpp"

namespace glia {

/// A documented member.
struct DocumentedMember {
    enum class Shape { value, object, list_of_values, list_of_objects };
    Shape shape = Shape::value;
    FieldKind kind = FieldKind::text;  ///< of a value
    PersonalData personal = PersonalData::none;
    bool required = false;
};

/// The member `name` of an engagement, or of what lies within it: `path` holds the names of the members
/// above, joined by `/`, and is empty at the top. Lists count for nothing in it: `legs/request_queues`. None:
/// the documentation does not know it (spec: § Output fields, § Engagement Leg, § Queues).
std::optional<DocumentedMember> documented_member(std::string_view path, std::string_view name);

/// The path of what lies at `below` in the object at `path`.
std::string documented_path(std::string_view path, std::string_view below);

/// True for a member that an engagement has, and nothing within it has; the required ones, which other
/// objects have too, are not among them.
bool is_member_of_engagement_alone(std::string_view name);

}  // namespace glia
