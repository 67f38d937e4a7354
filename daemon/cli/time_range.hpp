// --from and --to.
#pragma once

#include <optional>
#include <string>

#include "sinks/records.hpp"

namespace glia::cli {

struct TimeRange {
    Instant from{};
    Instant to{};
    bool to_is_open = false;  ///< no end was given, or one in the future: what is new later is not read
};

/// Parses the two options; an empty `to` means now. Prints an error and returns none if they are invalid.
/// `verb`: names the command's action in errors, such as "load".
std::optional<TimeRange> read_range(const std::string& from, const std::string& to, const std::string& verb);

}  // namespace glia::cli
