#include "daemon/base/utf8.hpp"

#include <simdjson.h>

namespace glia {

std::string without_nul(std::string_view text) {
    std::string out(text);
    for (std::size_t at = 0; (at = out.find('\0', at)) != std::string::npos;)
        out.replace(at, 1, kReplacementCharacter);
    return out;
}

std::string repair_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || at + length > text.size() || !simdjson::validate_utf8(text.data() + at, length)) {
            out += kReplacementCharacter;
            ++at;
            continue;
        }
        out.append(text.substr(at, length));
        at += length;
    }
    return out;
}

}  // namespace glia
