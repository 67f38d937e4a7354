#include "daemon/sync/recording_path.hpp"

#include <algorithm>

#include "sinks/content_hash.hpp"

namespace glia {

std::string recording_folder(const std::string& engagement_id) {
    // Replaces an id that is too long or has special characters by its hash.
    constexpr std::size_t kLongest = 100;
    const std::string hash = to_hex(bytes_hash(engagement_id));
    const bool plain = !engagement_id.empty() && engagement_id.size() <= kLongest &&
                       std::all_of(engagement_id.begin(), engagement_id.end(), [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
                       });
    return hash.substr(0, 2) + "/" + (plain ? engagement_id : "sha256-" + hash);
}

}  // namespace glia
