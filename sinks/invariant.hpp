// Invariants that guard data, checked in release builds too. A broken invariant is a bug in this program:
// continuing could write wrong data.
#pragma once

#include <exception>
#include <string>

namespace glia {

/// An invariant does not hold. Ends the program with exit code 70; a running transaction rolls back. Not
/// derived from std::logic_error: libpqxx throws that too, and postgres/connection.cpp converts it to a
/// SinkError.
class InvariantBroken : public std::exception {
  public:
    InvariantBroken(const char* invariant, const char* file, int line);
    /// One line: the invariant, and where it was checked.
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    std::string text_;
};

// Debian 12's clang, which builds the fuzzers, lacks std::source_location.

/// Throws InvariantBroken unless `holds`. `invariant` says what must be true, such as "a lease has an epoch".
inline void check_invariant(bool holds, const char* invariant, const char* file = __builtin_FILE(),
                            int line = __builtin_LINE()) {
    if (!holds) [[unlikely]]
        throw InvariantBroken(invariant, file, line);
}

}  // namespace glia
