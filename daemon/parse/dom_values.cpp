#include "daemon/parse/dom_values.hpp"

#include "daemon/base/utf8.hpp"
#include "daemon/parse/json_repair.hpp"
#include "sinks/json_text.hpp"
#include "sinks/timestamp.hpp"

namespace glia {

std::optional<ParseFailure> parse_document(std::string_view body, simdjson::dom::parser& parser,
                                           simdjson::dom::element& root) {
    const std::string_view text = json_document(body);
    if (!simdjson::validate_utf8(text.data(), text.size()))
        return ParseFailure{ParseFailure::Kind::invalid_utf8, "the body is not valid UTF-8"};
    const auto error = parser.parse(repair_for_dom(text)).get(root);
    if (error == simdjson::SUCCESS) return std::nullopt;
    return ParseFailure{ParseFailure::Kind::not_json,
                        std::string("the body is not valid JSON: ") + simdjson::error_message(error)};
}

bool read_value(simdjson::dom::element value, OptionalText& target) {
    std::string_view text;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(text) != simdjson::SUCCESS) return false;
    target = without_nul(text);
    return true;
}

bool read_value(simdjson::dom::element value, OptionalInstant& target) {
    OptionalText text;
    target.reset();
    if (!read_value(value, text)) return false;
    if (text) target = parse_timestamp(*text);
    return !text || target;
}

bool read_value(simdjson::dom::element value, OptionalFlag& target) {
    bool flag = false;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(flag) != simdjson::SUCCESS) return false;
    target = flag;
    return true;
}

bool read_value(simdjson::dom::element value, OptionalInteger& target) {
    std::int64_t number = 0;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(number) != simdjson::SUCCESS) return false;
    target = number;
    return true;
}

bool read_value(simdjson::dom::element value, OptionalTexts& target) {
    simdjson::dom::array list;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(list) != simdjson::SUCCESS) return false;
    std::vector<std::string> texts;
    for (const simdjson::dom::element element : list) {
        std::string_view text;
        if (element.get(text) != simdjson::SUCCESS) return false;
        texts.push_back(without_nul(text));
    }
    target = std::move(texts);
    return true;
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
