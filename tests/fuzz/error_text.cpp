// Any bytes as an error body or the response to a token request; and the repairs of broken text.
#include "daemon/parse/error_text.hpp"

#include <cstdlib>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/token_response.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (glia::error_text(text).find('\n') != std::string::npos) std::abort();
    if (const auto response = glia::parse_token_response(text)) {
        if (glia::clean_secret(response->token) != response->token) std::abort();
        const auto life = response->expires_in.value_or(1);
        if (life < 1 || life > glia::kLongestLife) std::abort();
    }
    std::string why;
    const auto first = glia::canonical_json(text, why);
    if (first && glia::canonical_json(*first, why) != first) std::abort();
    glia::repair_utf8(text);
    return 0;
}
