// Decodes the content codings of a response's body (RFC 9110 §8.4) in memory: gzip and deflate, in the forms
// that curl accepts.
// By hand: Beast inflates raw deflate only, and Boost.Iostreams refuses the padding that some servers send
// after a gzip member.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// Splits a list such as `gzip, deflate` into codings in lower case, in the order in which they were applied.
/// Skips empty elements, `identity` and `none`.
std::vector<std::string> content_codings(std::string_view list);

/// Undoes `codings`, the last one first: gzip and x-gzip of any number of members (RFC 1952 §2.2), deflate
/// as zlib or raw. Neither the result nor an intermediate result exceeds `limit` bytes. Bytes after the last
/// member are ignored, as in curl and gzip: some servers send padding. That is safe, because each member has
/// a checksum and incomplete JSON does not parse. Returns false and leaves `body` undefined on failure; `why`
/// completes "the response of … is".
bool decode_body(std::string& body, const std::vector<std::string>& codings, std::size_t limit,
                 std::string& why);

}  // namespace glia
