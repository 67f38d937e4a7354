#include "sinks/content_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace glia {
ContentHash bytes_hash(std::string_view bytes) {
    // Fetched once: otherwise OpenSSL 3 asks its providers for the algorithm every time.
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> kSha256{
        EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(),
                                                                                     &EVP_MD_CTX_free};
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    if (!kSha256 || !state || EVP_DigestInit_ex2(state.get(), kSha256.get(), nullptr) != 1 ||
        EVP_DigestUpdate(state.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(state.get(), digest.data(), nullptr) != 1) {
        throw std::runtime_error("SHA-256 is not available from OpenSSL");
    }
    ContentHash hash{};
    std::copy_n(digest.begin(), hash.size(), hash.begin());
    return hash;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text(2 * bytes.size(), '\0');
    auto digit = text.begin();
    for (const std::uint8_t byte : bytes) {
        *digit++ = kDigits[byte >> 4];
        *digit++ = kDigits[byte & 15];
    }
    return text;
}

std::string_view RecordHash::bytes() const {
    const auto* const first = version == kLegacy ? digest.data() : &version;
    return {reinterpret_cast<const char*>(first), digest.size() + (version == kLegacy ? 0 : 1)};
}

std::string to_hex(const RecordHash& hash) {
    const std::string_view bytes = hash.bytes();
    return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string to_bytea(const ContentHash& hash) {
    return "\\x" + to_hex(hash);
}

std::string to_bytea(const RecordHash& hash) {
    return "\\x" + to_hex(hash);
}

namespace {

/// Decodes hexadecimal `text` into `bytes`. Returns false if `text` has another length or other characters.
template <typename Bytes>
bool read_hex(std::string_view text, Bytes& bytes) {
    if (text.size() != 2 * bytes.size()) return false;
    // A table, because branches on random digits would be mispredicted.
    static constexpr auto kDigits = [] {
        std::array<std::int8_t, 256> digits{};
        digits.fill(-1);
        std::int8_t value = 0;
        for (const char digit : std::string_view("0123456789abcdef"))
            digits[static_cast<unsigned char>(digit)] = value++;
        return digits;
    }();
    const auto digit = [](char c) { return static_cast<int>(kDigits[static_cast<unsigned char>(c)]); };
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<typename Bytes::value_type>(high * 16 + low);
    }
    return true;
}

}  // namespace

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes(text.size() / 2, '\0');
    if (!read_hex(text, bytes)) return std::nullopt;
    return bytes;
}

std::optional<RecordHash> record_hash_from_hex(std::string_view text) {
    RecordHash hash;
    const bool legacy = text.size() == 2 * hash.digest.size();
    if (legacy) {
        hash.version = RecordHash::kLegacy;
    } else {
        std::array<std::uint8_t, 1> version{};
        if (!read_hex(text.substr(0, 2), version)) return std::nullopt;
        hash.version = version[0];
        text.remove_prefix(2);
    }
    return read_hex(text, hash.digest) ? std::optional(hash) : std::nullopt;
}

std::optional<RecordHash> record_hash_from_bytea(std::string_view text) {
    if (!text.starts_with("\\x")) return std::nullopt;
    return record_hash_from_hex(text.substr(2));
}

std::optional<ContentHash> from_bytea(const std::string& text) {
    ContentHash hash{};
    if (!text.starts_with("\\x") || !read_hex(std::string_view(text).substr(2), hash)) return std::nullopt;
    return hash;
}

}  // namespace glia
