// Records that could not be loaded (rejected_records, DESIGN.md §3.5).
#pragma once

#include <string>
#include <vector>

#include "sinks/merge.hpp"

namespace glia {

/// Which rejected records to show.
struct RejectedQuery {
    std::vector<std::int64_t> ids;  ///< only these records; empty: all
    bool resolved_too = false;
    std::string site_id;        ///< only records of this site; empty: of all sites
    std::int64_t limit = 1000;  ///< records that find() returns at most: bounds the memory for payloads
};

/// A rejected record as stored.
struct RejectedRow {
    std::int64_t id = 0;
    OptionalText site_id;
    OptionalText engagement_id;
    std::string source;  ///< list, detail, the stream of a listing, or `statistics SOURCE START`
    std::string reason;
    std::string payload;
    Instant first_seen_at{};
    Instant last_seen_at{};
    std::int64_t times_seen = 0;
    OptionalInstant resolved_at;
};

/// Sink::commit() adds records of engagements, and resolves them once they load. A commit of a listing, or of
/// an interval's statistics, adds its records and resolves the earlier ones that it does not contain.
class RejectStore {
  public:
    virtual ~RejectStore() = default;

    /// Returns the matching records, the newest first.
    virtual std::vector<RejectedRow> find(const RejectedQuery& query) = 0;
    /// Returns the ids of all matching records, whatever `limit` is, in the same order.
    virtual std::vector<std::int64_t> ids(const RejectedQuery& query) = 0;
    /// Marks one as resolved.
    virtual void resolve(std::int64_t id) = 0;
};

}  // namespace glia
