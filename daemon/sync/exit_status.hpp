// Why work ended: the reasons in order of severity, and the exit code of each (DESIGN.md §1).
#pragma once

#include <string>

#include "daemon/api/api_error.hpp"
#include "sinks/sink.hpp"

namespace glia {

/// Why work ended, in ascending order of severity.
enum class ExitReason {
    done,
    rejected,  ///< some records were rejected (an error with --strict only)
    stopped,   ///< stopped by a signal, or another instance took the lease: run the command again to continue
    unavailable,   ///< the API or the database is unavailable after all retries
    credentials,   ///< the API refuses the token
    misconfigured  ///< the configuration or the command is wrong
};

/// sysexits.h: 0, 65, 75, 69, 77, 78.
int exit_code(ExitReason reason);

ExitReason exit_reason_of(const ApiError& error);
ExitReason exit_reason_of(const SinkError& error);

/// An exit reason with a line that explains it.
struct ExitStatus {
    ExitReason reason = ExitReason::done;
    std::string error;

    /// Keeps the more severe of the two.
    void merge(const ExitStatus& other) {
        if (other.reason > reason) *this = other;
    }
};

}  // namespace glia
