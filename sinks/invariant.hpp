// Invariants that guard data, checked in release builds too. One that does not hold is a mistake of this
// program: going on could write what is wrong.
#pragma once

#include <exception>
#include <string>

namespace glia {

/// An invariant does not hold. Ends the program with exit code 70; a transaction under way rolls back. Not a
/// std::logic_error, which libpqxx throws for what concerns one statement.
class InvariantBroken : public std::exception {
  public:
    InvariantBroken(const char* invariant, const char* file, int line);
    /// One line: the invariant, and where it was checked.
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    std::string text_;
};

// std::source_location is not for Debian 12's clang, which builds the fuzzers.

/// Throws InvariantBroken unless `holds`. `invariant` says what must be true, such as "a lease has an epoch".
inline void check_invariant(bool holds, const char* invariant, const char* file = __builtin_FILE(),
                            int line = __builtin_LINE()) {
    if (!holds) [[unlikely]]
        throw InvariantBroken(invariant, file, line);
}

}  // namespace glia
