// The API's answers as records (spec: § Output fields, § Engagement Leg; DESIGN.md §3.5). simdjson stays in
// the source.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/parse/privacy.hpp"
#include "sinks/records.hpp"

namespace glia {

/// One page of the listing.
struct ParsedPage {
    std::vector<Engagement> engagements;
    std::vector<RejectedRecord> rejected;
    OptionalText next_page;  ///< none: null, absent or empty, all of which mean the last page
};

/// The answer to GET /engagements/{id}: either the engagement or why it was rejected.
struct ParsedDetail {
    std::optional<Engagement> engagement;
    std::optional<RejectedRecord> rejected;
};

/// Why a whole body could not be read.
struct ParseFailure {
    enum class Kind {
        not_json,      ///< cut off, HTML, garbage
        invalid_utf8,  ///< some bytes are not UTF-8; see repair_utf8()
        wrong_shape    ///< JSON, but not the documented object
    };
    Kind kind = Kind::not_json;
    std::string reason;
};

template <typename T>
struct Parsed {
    std::optional<T> value;
    ParseFailure failure;  ///< if there is no value
};

/// Reads bodies; keeps its buffers, so one per thread.
class EngagementParser {
  public:
    /// `privacy` is applied to all that comes out, rejected payloads included.
    explicit EngagementParser(Privacy privacy);
    EngagementParser() : EngagementParser(Privacy()) {}
    ~EngagementParser();
    EngagementParser(EngagementParser&&) noexcept;

    static constexpr std::size_t kSpare = 64;
    /// Of what can be read, `body` is taken: the records keep it, and their texts stand in it. What cannot be
    /// read is left. One that has kSpare bytes of capacity beyond its size is not copied. A byte order mark
    /// before the document is skipped. One bad record is rejected without its page, also if it is not JSON as
    /// long as the next one can be found; what is wrong only within its strings, numbers and words is
    /// repaired (repair_json()).
    Parsed<ParsedPage> page(std::string& body);
    Parsed<ParsedDetail> detail(std::string& body);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
