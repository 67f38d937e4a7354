#include "sinks/json_text.hpp"

#include <charconv>
#include <system_error>

namespace glia {

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    out.push_back('"');
    const char* plain = text.data();
    const char* const end = plain + text.size();
    for (const char* at = plain; at != end; ++at) {
        const auto byte = static_cast<unsigned char>(*at);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        out.append(plain, at);
        plain = at + 1;
        if (byte >= 0x20) {
            out.push_back('\\');
            out.push_back(*at);
        } else {
            out += "\\u00";
            out.push_back(digits[byte >> 4]);
            out.push_back(digits[byte & 15]);
        }
    }
    out.append(plain, end);
    out.push_back('"');
}

std::string json_quote(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::optional<std::string> json_unquote(std::string_view json) {
    if (json.size() < 2 || json.front() != '"' || json.back() != '"') return std::nullopt;
    json = json.substr(1, json.size() - 2);
    std::string out;
    for (std::size_t at = 0; at < json.size(); ++at) {
        if (json[at] != '\\') {
            out.push_back(json[at]);
            continue;
        }
        if (++at == json.size()) return std::nullopt;
        if (json[at] == '"' || json[at] == '\\') {
            out.push_back(json[at]);
            continue;
        }
        int code = 0;
        const std::string_view digits = json.substr(at, 5);
        const auto [end, error] = std::from_chars(digits.data() + 1, digits.data() + digits.size(), code, 16);
        if (digits.size() != 5 || !digits.starts_with("u00") || error != std::errc{} ||
            end != digits.data() + digits.size())
            return std::nullopt;
        out.push_back(static_cast<char>(code));
        at += 4;
    }
    return out;
}

}  // namespace glia
