#include "sinks/secrets.hpp"

#include <algorithm>
#include <cctype>

namespace glia {
namespace {

constexpr std::size_t kShort = 4;

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
           static_cast<unsigned char>(c) > 0x7f;
}

bool stands_alone(const std::string& text, std::size_t at, std::size_t size) {
    return (at == 0 || !is_word(text[at - 1])) && (at + size == text.size() || !is_word(text[at + size]));
}

}  // namespace

void Secrets::add(const std::string& secret) {
    if (secret.empty() || std::find(secrets_.begin(), secrets_.end(), secret) != secrets_.end()) return;
    const auto place = std::find_if(secrets_.begin(), secrets_.end(),
                                    [&](const std::string& other) { return other.size() < secret.size(); });
    secrets_.insert(place, secret);
}

std::string Secrets::scrub(std::string text) const {
    for (const std::string& secret : secrets_) {
        for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
            if (secret.size() < kShort && !stands_alone(text, at, secret.size())) {
                ++at;
                continue;
            }
            text.replace(at, secret.size(), kMask);
            at += kMask.size();
        }
    }
    return text;
}

}  // namespace glia
