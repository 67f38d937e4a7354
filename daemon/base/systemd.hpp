// The interface to systemd: the service's state (sd_notify), the watchdog, the journal. Without systemd all
// of it does nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace glia::systemd {

/// The service is up; `status` is the line that `systemctl status` shows.
void ready(const std::string& status);
/// The service reloads its configuration; ready() reports the end of it.
void reloading();
void stopping();
void status(const std::string& line);

/// The interval within which the watchdog expects alive(); none without a watchdog.
std::optional<std::chrono::microseconds> watchdog();
/// Notifies the watchdog that the service makes progress.
void alive();

/// True if standard error leads to the journal, so that lines can go there with their fields.
bool logs_to_journal();
/// Sends an entry of `NAME=value`; false if the journal does not take it.
bool send_to_journal(const std::vector<std::string>& entry);

}  // namespace glia::systemd
