// Any bytes as a compressed body: the first line lists the codings, the rest is the body.
#include "daemon/api/content_coding.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    constexpr std::size_t kLimit = 100'000;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    const auto codings = glia::content_codings(text.substr(0, end));
    std::string body(text.substr(end + 1));
    const std::size_t before = body.size();
    std::string why;
    if (glia::decode_body(body, codings, kLimit, why)) {
        if (body.size() > kLimit && body.size() != before) std::abort();
    } else if (why.empty()) {
        std::abort();
    }
    return 0;
}
