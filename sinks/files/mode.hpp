// Who may read the files: they hold personal data.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

namespace glia::files {

// Only the service reads its state.
inline constexpr mode_t kStateMode = 0600;
// The group may read the lines, such as a collector's; the umask may forbid it.
inline constexpr mode_t kLinesMode = 0640;

/// Called with a file that more people could read or write than they should, its mode before and now; the
/// same twice: it cannot be changed, because the file belongs to somebody else.
using OnTightened = std::function<void(const std::string& path, mode_t before, mode_t now)>;

/// Takes the permissions beyond `mode` from a file. A file that is not there, or is no regular file, is left
/// alone.
void tighten(const std::string& path, mode_t mode, const OnTightened& on_tightened);

}  // namespace glia::files
