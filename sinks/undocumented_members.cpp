#include "sinks/undocumented_members.hpp"

#include <simdjson.h>

#include <string_view>

#include "sinks/fields/documented.hpp"

namespace glia {
namespace {

namespace od = simdjson::ondemand;

/// Truncates a text to kLongestExample bytes, without splitting a character.
std::string beginning(std::string text) {
    if (text.size() <= kLongestExample) return text;
    std::size_t end = kLongestExample;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text + "…";
}

class Collector {
  public:
    Collector(std::string_view engagement_id, UndocumentedMembers& members)
        : engagement_id_(engagement_id), members_(members) {}

    /// Adds the members of an object. `path`: its path in the documentation, see documented_member().
    /// `shown`: its path in the result.
    void add_object(const std::string& path, const std::string& shown, od::object object) {
        for (auto field : object) {
            const std::string name(field.unescaped_key().value());
            od::value value = field.value();
            add_member(path, shown.empty() ? name : shown + "." + name, name, value);
        }
    }

  private:
    void add_member(const std::string& path, const std::string& shown, std::string_view name,
                    od::value& value) {
        using Shape = DocumentedMember::Shape;
        const auto member = documented_member(path, name);
        if (!member) return add(shown, UndocumentedKind::unknown, value);
        const std::string inner = documented_path(path, name);
        const od::json_type type = value.type();
        if (member->shape == Shape::object && type == od::json_type::object)
            return add_object(inner, shown, value.get_object());
        const bool list = member->shape == Shape::list_of_objects || member->shape == Shape::list_of_values;
        if (list && type == od::json_type::array) return add_elements(inner, shown + "[]", value.get_array());
        const bool known_by_text = member->kind == FieldKind::time || member->kind == FieldKind::id;
        add(shown,
            type == od::json_type::string && known_by_text ? UndocumentedKind::value : UndocumentedKind::type,
            value);
    }
    void add_elements(const std::string& path, const std::string& shown, od::array elements) {
        for (auto element : elements) {
            od::value value = element.value();
            if (value.type() == od::json_type::object) {
                add_object(path, shown, value.get_object());
            } else if (value.type() != od::json_type::null) {
                add(shown, UndocumentedKind::type, value);
            }
        }
    }
    void add(const std::string& shown, UndocumentedKind kind, od::value& value) {
        UndocumentedMember& member = members_[shown];
        member.kind = kind;
        if (member.times++ > 0) return;
        member.example = beginning(std::string(std::string_view(simdjson::to_json_string(value))));
        member.example_of = engagement_id_;
    }

    std::string_view engagement_id_;
    UndocumentedMembers& members_;
};

/// `extra` is canonical JSON. Values are not parsed, so that numbers of any size are accepted.
void collect(const Engagement& engagement, const std::string& path, const std::string& shown,
             const RecordText& extra, UndocumentedMembers& members) {
    if (!extra) return;
    const simdjson::padded_string text(*extra);
    od::parser parser;
    try {
        od::document document = parser.iterate(text);
        Collector(*engagement.id, members).add_object(path, shown, document.get_object());
    } catch (const simdjson::simdjson_error&) {
        return;  // the parser never writes such a value
    }
}

void collect_of_engagement(const Engagement& engagement, UndocumentedMembers& members) {
    collect(engagement, "", "", engagement.extra, members);
}

void collect_of_legs(const Engagement& engagement, UndocumentedMembers& members) {
    if (!engagement.legs) return;
    for (const Leg& leg : *engagement.legs) collect(engagement, "legs", "legs[]", leg.extra, members);
}

void add_all(const UndocumentedMembers& more, UndocumentedMembers& members) {
    for (const auto& [path, one] : more) {
        UndocumentedMember& member = members[path];
        member.kind = one.kind;
        member.times += one.times;
        if (!member.example.empty()) continue;
        member.example = one.example;
        member.example_of = one.example_of;
    }
}

}  // namespace

UndocumentedOfRecord undocumented_of(const Engagement& engagement) {
    UndocumentedOfRecord members;
    collect_of_engagement(engagement, members.engagement);
    collect_of_legs(engagement, members.legs);
    return members;
}

const char* name_of(UndocumentedKind kind) {
    return kind == UndocumentedKind::unknown ? "unknown" : kind == UndocumentedKind::type ? "type" : "value";
}

void collect_undocumented_members(const Engagement& engagement, UndocumentedMembers& members) {
    if (engagement.undocumented_members) return add_all(engagement.undocumented_members->engagement, members);
    collect_of_engagement(engagement, members);
}

void collect_undocumented_of_legs(const Engagement& engagement, UndocumentedMembers& members) {
    if (engagement.undocumented_members) return add_all(engagement.undocumented_members->legs, members);
    collect_of_legs(engagement, members);
}

}  // namespace glia
