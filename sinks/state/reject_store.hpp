// Records that could not be loaded (rejected_records, DESIGN.md §3.5).
#pragma once

#include <string>
#include <vector>

#include "sinks/merge.hpp"

namespace glia {

/// Which rejected records to show.
struct RejectedQuery {
    std::vector<std::int64_t> ids;  ///< these; empty: any
    bool resolved_too = false;
    std::string site_id;  ///< of this site only; empty: of any
    std::int64_t limit = 1000;
};

/// A rejected record as stored.
struct RejectedRow {
    std::int64_t id = 0;
    OptionalText site_id;
    OptionalText engagement_id;
    RecordSource source = RecordSource::list;
    std::string reason;
    std::string payload;
    Instant first_seen_at{};
    Instant last_seen_at{};
    std::int64_t times_seen = 0;
    OptionalInstant resolved_at;
};

/// Records come with Sink::commit(), and are settled by it once they load.
class RejectStore {
  public:
    virtual ~RejectStore() = default;

    /// The newest first.
    virtual std::vector<RejectedRow> find(const RejectedQuery& query) = 0;
    /// Marks one as settled.
    virtual void resolve(std::int64_t id) = 0;
};

}  // namespace glia
