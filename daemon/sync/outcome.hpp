// How pieces of work end, and which end is the gravest: what becomes the exit code (DESIGN.md §1).
#pragma once

#include <string>

#include "daemon/api/api_error.hpp"
#include "sinks/sink.hpp"

namespace glia {

/// In the order of gravity.
enum class Ending {
    done,
    rejected,      ///< some records were rejected (matters with --strict only)
    stopped,       ///< by a signal, or the lease went to another instance: run it again to go on
    unavailable,   ///< API or database, after all retries
    credentials,   ///< refused
    misconfigured  ///< a person has to correct something
};

/// sysexits.h: 0, 65, 75, 69, 77, 78.
int exit_code(Ending ending);

Ending ending_of(const ApiError& error);
Ending ending_of(const SinkError& error);

/// An ending with the line that explains it.
struct Outcome {
    Ending ending = Ending::done;
    std::string error;

    /// Keeps the graver one.
    void merge(const Outcome& other) {
        if (other.ending > ending) *this = other;
    }
};

}  // namespace glia
