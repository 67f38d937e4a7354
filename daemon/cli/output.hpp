// Standard output: what cannot be written there is an error, whatever the command (DESIGN.md §1, exit codes).
#pragma once

namespace glia::cli {

/// sysexits.h, EX_IOERR: standard output could not be written.
inline constexpr int kOutputLost = 74;

/// Before anything is opened or written. From here on std::cout remembers the first error, and a descriptor
/// that was closed (`>&-`) is taken, so that no file or connection gets its number.
void prepare_output();

/// Writes what is left of the output. Returns `code`, or kOutputLost, with one line on standard error, if
/// `code` is 0 and something could not be written.
int finish_output(int code);

/// Ends the process at once, with what finish_output() returns; nothing is destroyed.
[[noreturn]] void leave(int code);

}  // namespace glia::cli
