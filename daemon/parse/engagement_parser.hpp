// Parses the API's responses into records (spec: § Output fields, § Engagement Leg; DESIGN.md §3.5). simdjson
// is included in the source only.
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
    OptionalText next_page;  ///< none on the last page: null, absent or empty
};

/// The response to GET /engagements/{id}: either the engagement or why it was rejected.
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

/// Parses bodies. Reuses its buffers and is not thread-safe: one per thread.
class EngagementParser {
  public:
    /// Applies `privacy` to every result, rejected payloads included.
    explicit EngagementParser(Privacy privacy);
    EngagementParser() : EngagementParser(Privacy()) {}
    ~EngagementParser();
    EngagementParser(EngagementParser&&) noexcept;

    static constexpr std::size_t kSpare = 64;
    /// Moves from `body` on success, because the records borrow their texts from it; leaves it unchanged on
    /// failure. A body with kSpare bytes of spare capacity is not copied, unless more than half of its
    /// capacity is spare. Skips a byte order mark. A bad record is rejected alone, even if it is not JSON, as
    /// long as the next record can be found. Faults within strings, numbers and words are repaired
    /// (repair_json()).
    Parsed<ParsedPage> page(std::string& body);
    Parsed<ParsedDetail> detail(std::string& body);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
