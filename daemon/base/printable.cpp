#include "daemon/base/printable.hpp"

#include <cstdint>

#include "daemon/base/utf8.hpp"

namespace glia {
namespace {

/// True for characters that control a terminal, are invisible, or change how others are shown.
bool is_hidden(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x206f) ||
           code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe007f);
}

/// Decodes the character at `at` of valid UTF-8 and moves `at` past it.
std::uint32_t next_code(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    std::uint32_t code = more == 0 ? lead : lead & (0x3fU >> more);
    for (std::size_t i = 1; i <= more; ++i) code = code << 6 | (byte(at + i) & 0x3fU);
    at += more + 1;
    return code;
}

void append_unit(std::string& out, std::uint32_t unit) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kDigits[unit >> shift & 15]);
}

/// Appends the character as a JSON escape.
void append_escape(std::string& out, std::uint32_t code) {
    if (code == '\n' || code == '\r' || code == '\t') {
        out += code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t";
    } else if (code < 0x10000) {
        append_unit(out, code);
    } else {
        append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
        append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
}

/// Escapes hidden characters. `keep` is called for every character in order and returns true for those that
/// stay as they are.
template <typename Keep>
std::string escape_hidden(std::string_view given, Keep keep) {
    const std::string text = repair_utf8(given);
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const std::uint32_t code = next_code(text, at);
        const bool kept = keep(code);
        if (!is_hidden(code) || kept) {
            out.append(text, begin, at - begin);
        } else {
            append_escape(out, code);
        }
    }
    return out;
}

}  // namespace

std::string printable(std::string_view text) {
    return escape_hidden(text, [](std::uint32_t) { return false; });
}

std::string printable_lines(std::string_view text) {
    return escape_hidden(text, [](std::uint32_t code) { return code == '\n' || code == '\t'; });
}

std::string printable_json(std::string_view json) {
    bool in_string = false;
    bool escaped = false;
    return escape_hidden(json, [&](std::uint32_t code) {
        if (!in_string) {
            in_string = code == '"';
            return code == '\n' || code == '\r' || code == '\t';
        }
        in_string = code != '"' || escaped;
        escaped = code == '\\' && !escaped;
        return false;
    });
}

}  // namespace glia
