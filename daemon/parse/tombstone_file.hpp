// The file of `forget export` and `forget import`: JSON lines. Each line except the first and the last is a
// tombstone.
//
//     {"format":"glia-sync-tombstones","version":1}
//     {"kind":"visitor","digest":"0123456789abcdef0123456789abcdef","forgotten_at":"2026-11-26T21:00:00Z"}
//     {"tombstones":1}
//
// `kind`: engagement, visitor or operator. `digest`: the first 16 bytes of the SHA-256 of the id, in
// hexadecimal digits. `forgotten_at`: optional. The last line counts the tombstones, so that a truncated file
// is detected.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "sinks/tombstone.hpp"

namespace glia {

// Each returns one line, with its line end.
std::string tombstone_file_head();
std::string tombstone_line(const Tombstone& tombstone);
std::string tombstone_file_end(std::size_t tombstones);

/// Reads a whole file. Returns none if any of it is invalid; `why` then names the line and the fault.
std::optional<std::vector<Tombstone>> read_tombstones(std::istream& in, std::string& why);

}  // namespace glia
