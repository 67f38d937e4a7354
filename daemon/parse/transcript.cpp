#include "daemon/parse/transcript.hpp"

#include <simdjson.h>

#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/page_splitter.hpp"
#include "sinks/json_text.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// Members that are kept without being understood. A value beyond what PostgreSQL's jsonb holds is kept as
/// text.
class Others {
  public:
    void add(std::string_view key, dom::element value) { add_text(key, canonical(simdjson::minify(value))); }
    void add_text(std::string_view key, const std::string& json) { members_.emplace_back(key, json); }
    OptionalText text() {
        if (members_.empty()) return std::nullopt;
        std::string out;
        append_members(out, members_);
        return out;
    }
    static std::string canonical(const std::string& json) {
        std::string why;
        const auto text = canonical_json(json, why, nullptr, kMaxMemberDepth);
        return text ? *text : json_quote(json);
    }

  private:
    std::vector<JsonMember> members_;
};

/// True if the member was text (or null) and is now where it belongs.
bool take_text(dom::element value, OptionalText& target) {
    std::string_view text;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(text) != simdjson::SUCCESS) return false;
    target = without_nul(text);
    return true;
}

bool take_time(dom::element value, OptionalInstant& target) {
    OptionalText text;
    target.reset();
    if (!take_text(value, text)) return false;
    if (!text) return true;
    target = parse_timestamp(*text);
    return target.has_value();
}

bool take_json(dom::element value, OptionalText& target) {
    target.reset();
    if (!value.is_null()) target = Others::canonical(simdjson::minify(value));
    return true;
}

bool take_sender(dom::element value, ChatMessage& message, Others& others) {
    if (value.is_null()) return true;
    if (!value.is_object()) return false;
    Others of_sender;
    for (const auto [key, inner] : dom::object(value)) {
        const bool taken = key == "type"   ? take_text(inner, message.sender_type)
                           : key == "name" ? take_text(inner, message.sender_name)
                           : key == "href" ? take_text(inner, message.sender_href)
                                           : false;
        if (!taken) of_sender.add(key, inner);
    }
    if (const OptionalText text = of_sender.text()) others.add_text("sender", *text);
    return true;
}

/// A message that is not JSON, kept as it was sent.
ChatMessage unreadable_message(std::string_view text) {
    Others others;
    others.add_text("value", json_quote(without_nul(text)));
    ChatMessage message;
    message.extra = others.text();
    return message;
}

ChatMessage read_message(dom::element element) {
    ChatMessage message;
    Others others;
    if (!element.is_object()) {
        others.add("value", element);
        message.extra = others.text();
        return message;
    }
    for (const auto [key, value] : dom::object(element)) {
        const bool taken = key == "id"           ? take_text(value, message.id)
                           : key == "created_at" ? take_time(value, message.created_at)
                           : key == "type"       ? take_text(value, message.type)
                           : key == "message"    ? take_text(value, message.message)
                           : key == "attachment" ? take_json(value, message.attachment)
                           : key == "metadata"   ? take_json(value, message.metadata)
                           : key == "sender"     ? take_sender(value, message, others)
                                                 : false;
        if (!taken) others.add(key, value);
    }
    message.extra = others.text();
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
