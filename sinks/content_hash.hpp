// Content hashes, by which the sinks detect unchanged records without comparing columns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace glia {

/// The first 128 bits of SHA-256.
using ContentHash = std::array<std::uint8_t, 16>;

/// Hashes any bytes.
ContentHash bytes_hash(std::string_view bytes);

/// The hash of a record's content, with the version of its format. Version 1 (legacy_hash.hpp) is stored
/// without its number; every other version's number precedes the hash.
struct RecordHash {
    static constexpr std::uint8_t kLegacy = 1;
    static constexpr std::uint8_t kCurrent = 2;

    std::uint8_t version = kCurrent;
    ContentHash digest{};

    /// The stored form. Valid as long as this object.
    std::string_view bytes() const;
    bool operator==(const RecordHash&) const = default;
};
static_assert(sizeof(RecordHash) == sizeof(ContentHash) + 1);

/// Two hexadecimal digits for each byte.
std::string to_hex(std::span<const std::uint8_t> bytes);
std::string to_hex(const RecordHash& hash);

/// The inverse of to_hex(); nullopt for any other text.
std::optional<std::string> from_hex(std::string_view text);
std::optional<RecordHash> record_hash_from_hex(std::string_view text);

/// PostgreSQL's `bytea` text form, `\x…`.
std::string to_bytea(const ContentHash& hash);
std::string to_bytea(const RecordHash& hash);

/// The inverse of to_bytea(); nullopt for any other text.
std::optional<ContentHash> from_bytea(const std::string& text);
std::optional<RecordHash> record_hash_from_bytea(std::string_view text);

}  // namespace glia
