#include "daemon/base/instance_id.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
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

/// What /proc shows of a process; none if it is not readable.
struct Process {
    std::string state;
    std::string start;  ///< in clock ticks since boot
};
std::optional<Process> read_process(const std::string& pid) {
    const std::string line = first_line("/proc/" + pid + "/stat");
    const std::size_t name_end = line.rfind(')');  // the name may hold anything, also spaces and brackets
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream rest(line.substr(name_end + 1));
    Process process;
    rest >> process.state;
    for (int i = 0; i < 19; ++i) rest >> process.start;
    return process;
}

}  // namespace

std::string this_instance_id() {
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    const std::string pid = std::to_string(getpid());
    return std::string(host) + "/" + pid + "/" + read_process(pid).value_or(Process{"", "0"}).start + "/" +
           boot() + "/" + pid_namespace();
}

std::string this_machine() {
    return boot_id();
}

bool is_dead(const std::string& instance_id) {
    std::vector<std::string> parts;
    std::istringstream in(instance_id);
    for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
    if (parts.size() != 5 || parts[3] != boot() || parts[4] != pid_namespace()) return false;
    if (parts[1].empty() || parts[1].find_first_not_of("0123456789") != std::string::npos) return false;
    // ProtectProc= may hide a process of another user from /proc. kill(pid, 0) still finds it: only ESRCH
    // means that the process does not exist.
    errno = 0;
    const bool gone = kill(static_cast<pid_t>(std::atol(parts[1].c_str())), 0) != 0 && errno == ESRCH;
    const auto process = read_process(parts[1]);
    if (!process) return gone;
    return process->state == "Z" || process->state == "X" || process->start != parts[2];
}

}  // namespace glia
