// Content codings of a response's body (RFC 9110 §8.4): what curl accepts, undone in memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// The codings that a list such as `gzip, deflate` names, in the order they were applied. Lower case;
/// empty elements and those that change nothing (`identity`, `none`) are left out.
std::vector<std::string> content_codings(std::string_view list);

/// Undoes `codings`, the last one first: gzip and x-gzip of any number of members (RFC 1952 §2.2), deflate
/// as zlib or raw. Neither the result nor anything between two codings exceeds `limit` bytes. Bytes behind
/// the last member are ignored, as curl and gzip do: they are padding of some servers, each member carries
/// its own checksum, and the JSON inside says by itself whether it is complete.
/// False, with the reason in `why` (to be read behind "the response of … is"), leaves `body` undefined.
bool decode_body(std::string& body, const std::vector<std::string>& codings, std::size_t limit,
                 std::string& why);

}  // namespace glia
