#include "sinks/undocumented_members.hpp"

#include <simdjson.h>

#include <string_view>

#include "sinks/fields/documented.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// The beginning of a text, cut between characters.
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

    /// The members of an object at `shown`, whose documentation stands at `path`; see documented_member().
    void add_object(const std::string& path, const std::string& shown, dom::object object) {
        for (const auto [name, value] : object) {
            add_member(path, shown.empty() ? std::string(name) : shown + "." + std::string(name), name,
                       value);
        }
    }

  private:
    void add_member(const std::string& path, const std::string& shown, std::string_view name,
                    dom::element value) {
        using Shape = DocumentedMember::Shape;
        const auto member = documented_member(path, name);
        if (!member) return add(shown, UndocumentedKind::unknown, value);
        const std::string inner = documented_path(path, name);
        if (member->shape == Shape::object && value.is_object())
            return add_object(inner, shown, dom::object(value));
        const bool list = member->shape == Shape::list_of_objects || member->shape == Shape::list_of_values;
        if (list && value.is_array()) return add_elements(inner, shown + "[]", dom::array(value));
        const bool told_by_text = member->kind == FieldKind::time || member->kind == FieldKind::id;
        add(shown, value.is_string() && told_by_text ? UndocumentedKind::value : UndocumentedKind::type,
            value);
    }
    void add_elements(const std::string& path, const std::string& shown, dom::array elements) {
        for (const dom::element element : elements) {
            if (element.is_object()) {
                add_object(path, shown, dom::object(element));
            } else if (!element.is_null()) {
                add(shown, UndocumentedKind::type, element);
            }
        }
    }
    void add(const std::string& shown, UndocumentedKind kind, dom::element value) {
        UndocumentedMember& member = members_[shown];
        member.kind = kind;
        if (member.times++ > 0) return;
        member.example = beginning(simdjson::minify(value));
        member.example_of = engagement_id_;
    }

    std::string_view engagement_id_;
    UndocumentedMembers& members_;
};

void collect(const Engagement& engagement, const std::string& path, const std::string& shown,
             const RecordText& extra, UndocumentedMembers& members) {
    if (!extra) return;
    dom::parser parser;
    dom::object object;
    if (parser.parse((*extra).data(), (*extra).size()).get(object) != simdjson::SUCCESS) return;
    Collector(*engagement.id, members).add_object(path, shown, object);
}

}  // namespace

const char* name_of(UndocumentedKind kind) {
    return kind == UndocumentedKind::unknown ? "unknown" : kind == UndocumentedKind::type ? "type" : "value";
}

void collect_undocumented(const Engagement& engagement, UndocumentedMembers& members) {
    collect(engagement, "", "", engagement.extra, members);
}

void collect_undocumented_of_legs(const Engagement& engagement, UndocumentedMembers& members) {
    if (!engagement.legs) return;
    for (const Leg& leg : *engagement.legs) collect(engagement, "legs", "legs[]", leg.extra, members);
}

}  // namespace glia
