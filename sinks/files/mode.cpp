#include "sinks/files/mode.hpp"

namespace glia::files {

void tighten(const std::string& path, mode_t mode, const OnTightened& on_tightened) {
    // Uses the path instead of a descriptor: closing any descriptor of the file would release SQLite's locks
    // on it.
    struct stat info{};
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    const mode_t before = info.st_mode & ACCESSPERMS;
    const mode_t wanted = before & mode;
    if (wanted == before) return;
    const mode_t now = chmod(path.c_str(), wanted) == 0 ? wanted : before;
    if (on_tightened) on_tightened(path, before, now);
}

}  // namespace glia::files
