#include "daemon/parse/transcript.hpp"

#include <simdjson.h>

#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/dom_record.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/page_splitter.hpp"
#include "sinks/fields/message_fields.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// A message that is not JSON, kept as it was sent.
ChatMessage unreadable_message(std::string_view text) {
    std::vector<JsonMember> others;
    others.emplace_back("value", json_quote(without_nul(text)));
    ChatMessage message;
    message.extra = object_of(others);
    return message;
}

ChatMessage read_message(dom::element element) {
    ChatMessage message;
    std::vector<JsonMember> others;
    if (!element.is_object()) {
        others.emplace_back("value", canonical_member(element));
        message.extra = object_of(others);
        return message;
    }
    for (const dom::key_value_pair member : dom::object(element))
        read_member<MessageFields>(member, message, others);
    message.extra = object_of(others);
    return message;
}

}  // namespace

Parsed<std::vector<ChatMessage>> parse_transcript(std::string& body, const Privacy& privacy) {
    Parsed<std::vector<ChatMessage>> parsed;
    const auto add = [&](ChatMessage message) {
        privacy.apply(message);
        parsed.value->push_back(std::move(message));
    };
    dom::parser parser;
    dom::element root;
    auto failure = parse_document(body, parser, root);
    if (!failure) {
        if (!root.is_array() && !root.is_null()) {
            parsed.failure = {ParseFailure::Kind::wrong_shape, "the body is not a list of messages"};
            return parsed;
        }
        parsed.value.emplace();
        if (root.is_null()) return parsed;  // blank members are null on some endpoints (spec: api-facts)
        for (const dom::element element : dom::array(root)) add(read_message(element));
        return parsed;
    }
    const bool is_malformed_json = failure->kind == ParseFailure::Kind::not_json;
    const auto elements = is_malformed_json ? split_list(json_document(body)) : std::nullopt;
    if (!elements) {
        parsed.failure = *std::move(failure);
        return parsed;
    }
    parsed.value.emplace();
    for (const std::string_view element : *elements) {
        if (parser.parse(repair_for_dom(element)).get(root) == simdjson::SUCCESS) {
            add(read_message(root));
        } else {
            add(unreadable_message(element));
        }
    }
    return parsed;
}

}  // namespace glia
