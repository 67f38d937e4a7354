#include "sinks/json_text.hpp"

#include <boost/json.hpp>

namespace glia {

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char kDigits[] = "0123456789abcdef";
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
            out.push_back(kDigits[byte >> 4]);
            out.push_back(kDigits[byte & 15]);
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
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(json, error);
    if (error || !value.is_string()) return std::nullopt;
    return std::string(value.as_string());
}

}  // namespace glia
