// Content hashes: how the sinks know that nothing changed without comparing columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sinks/records.hpp"

namespace glia {

/// Everything of the engagement but its legs, in whatever member order the API sent it: over a canonical
/// serialisation, so that two different contents never share one in practice.
ContentHash core_hash(const Engagement& engagement);

/// The legs alone; of no legs at all too.
ContentHash legs_hash(const RecordList<Leg>& legs);

/// Of any bytes; used to recognise a rejected payload seen before.
ContentHash bytes_hash(std::string_view bytes);

/// Two hexadecimal digits for each byte.
std::string to_hex(std::span<const std::uint8_t> bytes);

/// The inverse of to_hex(); nullopt if the text is not that.
std::optional<std::string> from_hex(std::string_view text);

/// PostgreSQL's `bytea` text form, `\x…`.
std::string to_bytea(const ContentHash& hash);

/// The inverse of to_bytea(); nullopt if the text is not one of ours.
std::optional<ContentHash> from_bytea(const std::string& text);

}  // namespace glia
