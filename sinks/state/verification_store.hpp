// Comparing what is stored with the source (DESIGN.md §1, verify; §3.9, what the source no longer has).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

/// A record that is not stored as it is.
struct RecordComparison {
    enum class Finding {
        missing,      ///< there is no row
        different,    ///< a column or a row of a child table differs, or its site is not known
        legs_unknown  ///< equal, but the legs were never fetched and are not about to be
    };
    std::size_t record = 0;  ///< its place among the compared ones
    Finding finding = Finding::missing;
    bool newer = false;   ///< the row was read from a later response than the record: the record says nothing
    std::string version;  ///< of the row; it changes whenever the row is written. Empty: there is no row
    bool operator==(const RecordComparison&) const = default;
};

/// A stored engagement and those of the sites asked for whose listing has shown it.
struct StoredListing {
    std::string engagement_id;
    std::vector<std::string> sites;
};

/// Where to read on; opaque to all but the store.
struct StoredCursor {
    OptionalText first_site;  ///< none: those of which no first site is known
    Instant created_at{};
    std::string id;
};
struct StoredPage {
    std::vector<StoredListing> listings;
    std::optional<StoredCursor> next;  ///< none: that was all
};

/// A range of time, and where to read on in it.
struct StoredRange {
    Instant from{};
    Instant to{};
    Instant after{};  ///< created_at of the last one that was read; before `from`: none was
    std::string after_id;
    std::int64_t limit = 0;
};
/// What of a StoredRange was read.
struct StoredIds {
    std::vector<std::string> ids;
    bool is_last = true;  ///< otherwise the range goes on after (after, after_id)
    Instant after{};
    std::string after_id;
};

/// An engagement that the stored name of a queue was read from.
struct QueueNameSource {
    std::string engagement_id;
    Instant created_at{};
};

/// The source answered that it does not have this engagement.
struct GoneEngagement {
    std::string engagement_id;
    Instant asked_at{};  ///< by the server's clock
};

/// What `verify` found of a site on a day.
struct DayCounts {
    std::int64_t listed = 0;
    std::int64_t stored = 0;
    std::int64_t missing = 0;
    std::int64_t different = 0;
    std::int64_t gone = 0;
    std::int64_t repaired = 0;
    std::int64_t legs_read = 0;

    DayCounts& operator+=(const DayCounts& other) {
        listed += other.listed;
        stored += other.stored;
        missing += other.missing;
        different += other.different;
        gone += other.gone;
        repaired += other.repaired;
        legs_read += other.legs_read;
        return *this;
    }
    bool operator==(const DayCounts&) const = default;
};
struct SiteDay {
    std::string site_id;
    DayCounts counts;
};
/// A day of a run of `verify`.
struct VerifiedDay {
    Instant range_from{};  ///< of the run
    Instant range_to{};
    Instant day{};  ///< any time of it, UTC
    std::vector<SiteDay> sites;
};

class VerificationStore {
  public:
    virtual ~VerificationStore() = default;

    /// The records that are not stored as they are, each once. Compares every column and every row of a child
    /// table; legs only of records that have them. Hashes are not believed. What has been forgotten is not
    /// missing. Writes nothing.
    virtual std::vector<RecordComparison> compare(const std::vector<FetchedEngagement>& records) = 0;

    /// Some of the stored engagements that were created in [from, to), without those that are known to be
    /// missing at the source; from where `after` ends.
    virtual StoredPage stored(Instant from, Instant to, const std::vector<std::string>& sites,
                              const std::optional<StoredCursor>& after) = 0;

    /// For each range, the ids of the engagements that were created in [from, to) and that `site` listed
    /// first, without those that are known to be missing at the source.
    virtual std::vector<StoredIds> ids_in_ranges(const std::string& site,
                                                 const std::vector<StoredRange>& ranges) = 0;

    /// The engagements created in [from, to) that the stored names of queues were read from. Reads every
    /// queue.
    virtual std::vector<QueueNameSource> queue_name_sources(Instant from, Instant to) = 0;

    /// Has the next response that shows one of these engagements written, whatever the stored hashes say, and
    /// notes that the sites list them.
    virtual void distrust(const std::vector<FetchedEngagement>& records) = 0;

    /// Marks what the source no longer has, unless it was read later than the source said so. Returns the
    /// ids of what is marked by this call.
    virtual std::vector<std::string> mark_missing(const std::vector<GoneEngagement>& engagements) = 0;

    virtual void record(const VerifiedDay& day) = 0;
    /// Deletes records of what was found longer than `keep` ago, but for the newest of each site and day.
    virtual void prune(Seconds keep) = 0;
};

}  // namespace glia
