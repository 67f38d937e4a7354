#include "daemon/parse/error_text.hpp"

#include <simdjson.h>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/json_repair.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kLongestErrorText = 300;

void add(std::string& line, std::string_view text) {
    if (text.empty() || line.find(text) != std::string::npos) return;
    if (!line.empty()) line += ": ";
    line += text;
}

void collect(dom::element element, std::string& line, int depth) {
    if (depth > 3 || line.size() > kLongestErrorText) return;
    if (element.is_array()) {
        for (dom::element entry : dom::array(element)) collect(entry, line, depth + 1);
        return;
    }
    if (element.is_string()) {
        add(line, std::string_view(element));
        return;
    }
    if (!element.is_object()) return;
    for (const char* key : {"error", "message", "error_msg", "debug_message", "type", "ref"}) {
        dom::element member;
        if (element[key].get(member) == simdjson::SUCCESS) collect(member, line, depth + 1);
    }
    for (const char* key : {"details", "error_details"}) {
        dom::element member;
        if (element[key].get(member) != simdjson::SUCCESS) continue;
        if (member.is_object()) {
            for (const auto field : dom::object(member)) {
                std::string inner;
                collect(field.value, inner, depth + 1);
                add(line, std::string(field.key) + " " + inner);
            }
        } else {
            collect(member, line, depth + 1);
        }
    }
}

std::string without_tags(std::string_view html) {
    std::string text;
    bool tag = false;
    for (const char c : html) {
        if (c == '<') tag = true;
        if (!tag) text.push_back(c);
        if (c == '>') {
            tag = false;
            text.push_back(' ');
        }
    }
    return text;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t longest) {
    std::string line;
    for (std::size_t i = 0; i < text.size() && line.size() < longest; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are controls as well: terminals take U+009B for the beginning of a command.
        const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c1) ++i;
        if (byte > 0x20 && byte != 0x7f && !c1) {
            line.push_back(text[i]);
        } else if (!line.empty() && line.back() != ' ') {
            line.push_back(' ');
        }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return repair_utf8(line);  // truncation may have split a character
}

std::string error_text(std::string_view body) {
    dom::parser parser;
    dom::element root;
    body = json_document(body);
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    const bool json =
        first != std::string_view::npos && (body[first] == '{' || body[first] == '[' || body[first] == '"');
    if (json &&
        parser.parse(repair_for_dom(body.substr(0, std::size_t{64} * 1024))).get(root) == simdjson::SUCCESS) {
        std::string line;
        collect(root, line, 0);
        return one_line(line);
    }
    return one_line(without_tags(body.substr(0, 4096)));
}

}  // namespace glia
