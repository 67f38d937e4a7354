// What a sink throws.
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
        misconfigured,  ///< no such database, role, password or schema: a person has to act
        denied,         ///< a privilege is missing
        lease_lost,     ///< the fence held: somebody else owns this work now; nothing was written
        schema,         ///< schema newer than the program, or older and not to be migrated
        internal        ///< a statement failed that should not have
    };
    SinkError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    Kind kind() const { return kind_; }

  private:
    Kind kind_;
};

/// Standard output, where the lines go, takes no more of them: its reader is gone, or its disk is full.
/// Nothing that is tried again helps, so this ends the program. `what()` is one line for a person.
class OutputLost : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace glia
