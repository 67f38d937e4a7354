// One engagement from where simdjson stands in a body (spec: § Output fields, § Engagement Leg). For the
// parser alone, which keeps simdjson from everybody else.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parse/undocumented.hpp"
#include "daemon/parse/value_reader.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Reads records one after the other.
class RecordReader {
  public:
    RecordReader();
    ~RecordReader();
    RecordReader(RecordReader&&) noexcept;

    /// A value of a body that `memory` keeps and `parser` reads, into a fresh `engagement`, which borrows its
    /// texts from that body and is of no use after an exception: BadRecord, or simdjson_error where it is not
    /// JSON. U+0000 becomes U+FFFD. A documented member of another type than documented becomes none, and
    /// what was sent goes to `extra` under its name; of a list and of an object within the record, what has
    /// no column of its own goes there.
    void read(simdjson::ondemand::value& value, simdjson::ondemand::parser& parser,
              const std::shared_ptr<RecordMemory>& memory, Reading reading, Engagement& engagement);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
