// The exceptions of sinks.
#pragma once

#include <stdexcept>
#include <string>

namespace glia {

/// Why a sink could not do what it was asked; `what()` is one line for a person.
class SinkError : public std::runtime_error {
  public:
    enum class Kind {
        unavailable,    ///< connection lost, server restarting, lock or statement timeout: the same call may
                        ///< succeed later
        misconfigured,  ///< wrong database, role, password or schema: retrying does not help
        denied,         ///< a privilege is missing
        lease_lost,     ///< another instance holds the lease now; nothing was written
        schema,         ///< the schema is newer than the program, or older and must not be migrated
        internal        ///< an unexpected failure of a statement
    };
    SinkError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    Kind kind() const { return kind_; }

  private:
    Kind kind_;
};

/// Standard output cannot be written any more: its reader has exited or its disk is full. Retries do not
/// help, so this ends the program. `what()` is one line for a person.
class OutputLost : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace glia
