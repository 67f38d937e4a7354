// Who may read the files: they hold personal data.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

namespace glia::files {

// Only the service reads its state.
inline constexpr mode_t kStateMode = 0600;
// The group may read the lines, for example a log collector. The umask may forbid it.
inline constexpr mode_t kLinesMode = 0640;

/// Called for a file whose permissions are too wide, with its mode before and after. Both are equal if the
/// mode cannot be changed, because the file has another owner.
using OnTightened = std::function<void(const std::string& path, mode_t before, mode_t now)>;

/// Removes the permissions beyond `mode` from a file. Does nothing if it does not exist or is not a regular
/// file.
void tighten(const std::string& path, mode_t mode, const OnTightened& on_tightened);

}  // namespace glia::files
