// Any bytes as a chat transcript, and as the small responses: nothing crashes, and what is read can be
// stored.
#include "daemon/parse/transcript.hpp"

#include <cstdlib>

#include "daemon/parse/small_responses.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string body(reinterpret_cast<const char*>(data), size);
    using Level = glia::PrivacyLevel;
    static const glia::Privacy hashing({Level::hash, Level::hash, Level::hash, Level::hash, Level::hash},
                                       "a key of the fuzzer");
    for (const glia::Privacy& privacy : {glia::Privacy(), hashing}) {
        const auto parsed = glia::parse_transcript(body, privacy);
        if (!parsed.value) break;
        for (const glia::ChatMessage& message : *parsed.value) {
            if (message.message && message.message->find('\0') != std::string::npos) std::abort();
        }
    }
    glia::parse_end_response(body);
    glia::parse_export_response(body);
    glia::parse_wait_response(body);
    glia::parse_recording_response(body);
    return 0;
}
