// One engagement from where simdjson stands in a body (spec: § Output fields, § Engagement Leg). For the
// parser alone, which keeps simdjson from everybody else.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/records.hpp"

namespace glia {

/// A record that cannot be loaded, and why: one line.
struct BadRecord {
    std::string reason;
};

/// The text of a value as it stands in the body.
std::string_view raw_value(simdjson::ondemand::value& value);
/// Without white space at its end.
std::string_view trimmed(std::string_view text);

/// Members by their names, for those who need a few of them. Null is none. Throws BadRecord where there is
/// something else than a text, or, of an id, one that is too long to be one.
RecordText read_text(simdjson::ondemand::value& value, std::string_view field);
RecordText read_id(simdjson::ondemand::value& value, std::string_view field);

/// Reads records one after the other.
class RecordReader {
  public:
    RecordReader();
    ~RecordReader();
    RecordReader(RecordReader&&) noexcept;

    /// A value of a body that `memory` keeps and `parser` reads, into a fresh `engagement`, which borrows its
    /// texts from that body and is of no use after an exception: BadRecord, or simdjson_error where it is not
    /// JSON. U+0000 becomes U+FFFD.
    void read(simdjson::ondemand::value& value, simdjson::ondemand::parser& parser,
              const std::shared_ptr<RecordMemory>& memory, Engagement& engagement);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
