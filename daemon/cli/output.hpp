// Standard output: a failed write is an error of every command (DESIGN.md §1, exit codes).
#pragma once

namespace glia::cli {

/// sysexits.h, EX_IOERR: standard output could not be written.
inline constexpr int kOutputLost = 74;

/// Call it before anything is opened or written. Afterwards std::cout remembers the first error. Occupies
/// standard descriptors that were closed (`>&-`), so that no file or connection gets their numbers.
void prepare_output();

/// Flushes the output. If `code` is 0 and a write has failed, prints one line on standard error and returns
/// kOutputLost; otherwise returns `code`.
int finish_output(int code);

/// Exits at once with the code of finish_output(), without running destructors.
[[noreturn]] void exit_now(int code);

}  // namespace glia::cli
