#include "daemon/ops/owner.hpp"

#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace glia {
namespace {

std::string first_line(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

std::string boot_id() {
    return first_line("/proc/sys/kernel/random/boot_id");
}

std::string boot() {
    return boot_id().substr(0, 8);
}

std::string pid_namespace() {
    char link[64] = {};
    const auto size = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    std::string digits;
    for (ssize_t i = 0; i < size; ++i) {
        if (link[i] >= '0' && link[i] <= '9') digits.push_back(link[i]);
    }
    return digits;
}

/// Start of a process in clock ticks since boot; none if it is gone or only waits for its parent.
std::optional<std::string> start_of(const std::string& pid) {
    const std::string line = first_line("/proc/" + pid + "/stat");
    const std::size_t name_end = line.rfind(')');  // the name may hold anything, also spaces and brackets
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream rest(line.substr(name_end + 1));
    std::string field;
    rest >> field;
    if (field == "Z" || field == "X") return std::nullopt;
    for (int i = 0; i < 19; ++i) rest >> field;
    return field;
}

}  // namespace

std::string this_owner() {
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    const std::string pid = std::to_string(getpid());
    return std::string(host) + "/" + pid + "/" + start_of(pid).value_or("0") + "/" + boot() + "/" +
           pid_namespace();
}

std::string this_machine() {
    return boot_id();
}

bool is_dead(const std::string& owner) {
    std::vector<std::string> parts;
    std::istringstream in(owner);
    for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
    if (parts.size() != 5 || parts[3] != boot() || parts[4] != pid_namespace()) return false;
    if (parts[1].empty() || parts[1].find_first_not_of("0123456789") != std::string::npos) return false;
    return start_of(parts[1]) != parts[2];
}

}  // namespace glia
