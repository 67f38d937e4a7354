// Reads one engagement from a simdjson value (spec: § Output fields, § Engagement Leg). Only the parser
// includes this header: simdjson stays inside daemon/parse.
#pragma once

#include <simdjson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parse/extra_members.hpp"
#include "daemon/parse/value_reader.hpp"
#include "sinks/records.hpp"

namespace glia {

/// Reads records one after the other.
class RecordReader {
  public:
    RecordReader();
    ~RecordReader();
    RecordReader(RecordReader&&) noexcept;

    /// Reads `value` into a fresh `engagement`, which borrows its texts from the body that `memory` owns.
    /// `parser` is the parser of `value`. Throws BadRecord, or simdjson_error if the value is not JSON;
    /// `engagement` is then unusable. U+0000 becomes U+FFFD. A member of another type than documented stays
    /// empty, and its value goes to `extra` under its name. Members without a column go to `extra` too, also
    /// those of nested lists and objects.
    void read(simdjson::ondemand::value& value, simdjson::ondemand::parser& parser,
              const std::shared_ptr<RecordMemory>& memory, ParseMode mode, Engagement& engagement);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
