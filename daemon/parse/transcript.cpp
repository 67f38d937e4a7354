#include "daemon/parse/transcript.hpp"

#include <simdjson.h>

#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/dom_values.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/page_splitter.hpp"
#include "sinks/fields/message_fields.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

bool take_json(dom::element value, OptionalText& target) {
    target.reset();
    if (!value.is_null()) target = canonical_member(value);
    return true;
}

/// False, and there is none, for a value of another type.
template <typename Field>
bool take_value(dom::element value, ChatMessage& message) {
    auto& target = message.*Field::member;
    if constexpr (Field::kind == FieldKind::time) {
        return read_time(value, target);
    } else if constexpr (Field::kind == FieldKind::json) {
        return take_json(value, target);
    } else {
        static_assert(Field::kind == FieldKind::text);
        return read_text(value, target);
    }
}

/// The fields that stand in the object `name` of a message.
bool take_inner(std::string_view name, dom::element value, ChatMessage& message,
                std::vector<JsonMember>& others) {
    if (value.is_null()) return true;
    if (!value.is_object()) return false;
    std::vector<JsonMember> beside;
    for (const dom::key_value_pair inner : dom::object(value)) {
        bool taken = false;
        MessageFields::for_each([&]<typename Field>() {
            if constexpr (!Field::inner.empty()) {
                if (name == Field::name.view() && inner.key == Field::inner.view())
                    taken = take_value<Field>(inner.value, message);
            }
        });
        if (!taken) beside.emplace_back(inner.key, canonical_member(inner.value));
    }
    if (const OptionalText text = object_of(beside)) others.emplace_back(name, *text);
    return true;
}

/// False for a member that has no field, or is not of the type of its field.
bool take_member(const dom::key_value_pair& member, ChatMessage& message, std::vector<JsonMember>& others) {
    bool found = false, taken = false;
    MessageFields::for_each([&]<typename Field>() {
        if constexpr (Field::is_api_member) {
            if (found || member.key != Field::name.view()) return;
            found = true;
            if constexpr (Field::inner.empty()) {
                taken = take_value<Field>(member.value, message);
            } else {
                taken = take_inner(member.key, member.value, message, others);
            }
        }
    });
    return taken;
}

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
    for (const dom::key_value_pair member : dom::object(element)) {
        if (!take_member(member, message, others))
            others.emplace_back(member.key, canonical_member(member.value));
    }
    message.extra = object_of(others);
    return message;
}

}  // namespace

Parsed<std::vector<ChatMessage>> parse_transcript(std::string& body, const Privacy& privacy) {
    Parsed<std::vector<ChatMessage>> parsed;
    const std::string_view text = json_document(body);
    if (!simdjson::validate_utf8(text.data(), text.size())) {
        parsed.failure = {ParseFailure::Kind::invalid_utf8, "the body is not valid UTF-8"};
        return parsed;
    }
    const auto add = [&](ChatMessage message) {
        privacy.apply(message);
        parsed.value->push_back(std::move(message));
    };
    dom::parser parser;
    dom::element root;
    const auto error = parser.parse(repair_for_dom(text)).get(root);
    if (error == simdjson::SUCCESS) {
        if (!root.is_array() && !root.is_null()) {
            parsed.failure = {ParseFailure::Kind::wrong_shape, "the body is not a list of messages"};
            return parsed;
        }
        parsed.value.emplace();
        if (root.is_null()) return parsed;  // blank members are null on some endpoints (spec: api-facts)
        for (const dom::element element : dom::array(root)) add(read_message(element));
        return parsed;
    }
    const auto elements = split_list(text);
    if (!elements) {
        parsed.failure = {ParseFailure::Kind::not_json,
                          std::string("the body is not valid JSON: ") + simdjson::error_message(error)};
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
