#include "daemon/base/systemd.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <ctime>

#include "daemon/base/environment.hpp"
#include "daemon/base/printable.hpp"

namespace glia::systemd {
namespace {

void notify(const std::string& message) {
    sd_notify(0, message.c_str());  // does nothing without NOTIFY_SOCKET
}

}  // namespace

void ready(const std::string& line) {
    notify("READY=1\nSTATUS=" + printable(line));
}

void reloading() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const long long microseconds = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
    notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) +
           "\nSTATUS=reading the configuration again");
}

void stopping() {
    notify("STOPPING=1\nSTATUS=stopping");
}

void status(const std::string& line) {
    notify("STATUS=" + printable(line));
}

std::optional<std::chrono::microseconds> watchdog() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0 || microseconds == 0) return std::nullopt;
    return std::chrono::microseconds{microseconds};
}

void alive() {
    notify("WATCHDOG=1");
}

bool logs_to_journal() {
    const auto stream = process_environment("JOURNAL_STREAM");
    struct stat info{};
    if (!stream || fstat(STDERR_FILENO, &info) != 0) return false;
    return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) == *stream;
}

bool send_to_journal(const std::vector<std::string>& entry) {
    std::vector<iovec> parts;
    parts.reserve(entry.size());
    for (const std::string& field : entry) {
        parts.push_back({const_cast<char*>(field.data()), field.size()});  // writev's type; only read
    }
    return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

}  // namespace glia::systemd
