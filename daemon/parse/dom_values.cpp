#include "daemon/parse/dom_values.hpp"

#include "daemon/base/utf8.hpp"
#include "sinks/json_text.hpp"
#include "sinks/timestamp.hpp"

namespace glia {

bool read_text(simdjson::dom::element value, OptionalText& target) {
    std::string_view text;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(text) != simdjson::SUCCESS) return false;
    target = without_nul(text);
    return true;
}

bool read_time(simdjson::dom::element value, OptionalInstant& target) {
    OptionalText text;
    target.reset();
    if (!read_text(value, text)) return false;
    if (text) target = parse_timestamp(*text);
    return !text || target;
}

std::string canonical_member(simdjson::dom::element value) {
    const std::string json = simdjson::minify(value);
    std::string why;
    const auto text = canonical_json(json, why, nullptr, kMaxMemberDepth);
    return text ? *text : json_quote(json);
}

OptionalText object_of(std::vector<JsonMember>& members) {
    if (members.empty()) return std::nullopt;
    std::string text;
    append_members(text, members);
    return text;
}

}  // namespace glia
