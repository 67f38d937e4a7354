// Compares the tables with the source (DESIGN.md §1, verify), and marks engagements that the source no longer
// has (§3.9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

/// How the tables differ from a record.
struct RecordComparison {
    enum class Finding {
        missing,      ///< there is no row
        different,    ///< the row, a child row or a queue's name differs; or engagement_sites lacks the site
        legs_unknown  ///< equal, but the legs were never fetched and no work item waits to fetch them
    };
    std::size_t record = 0;  ///< index into the compared records
    Finding finding = Finding::missing;
    bool newer = false;   ///< the row comes from a later response than the record: the finding proves nothing
    std::string version;  ///< of the row; changes whenever the row is written. Empty: there is no row
    bool operator==(const RecordComparison&) const = default;
};

/// A stored engagement, and those of the requested sites that have listed it. No sites if the engagement is
/// known to be missing at the source.
struct StoredListing {
    std::string engagement_id;
    std::vector<std::string> sites;
};

/// Position of a page. Opaque to callers.
struct StoredCursor {
    OptionalText first_site;  ///< none: among the engagements without a known first site
    Instant created_at{};
    std::string id;
};
struct StoredPage {
    std::vector<StoredListing> listings;
    std::optional<StoredCursor> next;  ///< none after the last page
};

/// A range of created_at, [from, to), and the position from which to read it.
struct StoredRange {
    Instant from{};
    Instant to{};
    Instant after{};         ///< created_at of the last engagement read; any time before `from` at the start
    std::string after_id;    ///< the id of that engagement
    std::int64_t limit = 0;  ///< maximum rows to read
};
/// The part of a StoredRange that one call has read.
struct StoredIds {
    std::vector<std::string> ids;
    bool is_last = true;   ///< false: continue after (`after`, `after_id`)
    Instant after{};       ///< created_at of the last row read
    std::string after_id;  ///< the id of that row
};

/// An engagement from which the stored name of a queue was read.
struct QueueNameSource {
    std::string engagement_id;
    Instant created_at{};
};

/// An engagement that the source does not have, according to the response to a GET.
struct GoneEngagement {
    std::string engagement_id;
    Instant asked_at{};  ///< when the GET was sent, by the API server's clock
};

/// The result of `verify` for a site and day: numbers of engagements.
struct DayCounts {
    std::int64_t listed = 0;     ///< that the source has
    std::int64_t stored = 0;     ///< that the tables had, except those known to be missing at the source
    std::int64_t missing = 0;    ///< that the source has and the tables did not have
    std::int64_t different = 0;  ///< that differed from the source
    std::int64_t gone = 0;       ///< that the tables have and the source no longer has
    std::int64_t repaired = 0;   ///< of the previous three: that were loaded or marked
    std::int64_t legs_read = 0;  ///< whose legs were read and compared

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
/// The results of one day in a run of `verify`.
struct VerifiedDay {
    Instant range_from{};  ///< start of the run's range
    Instant range_to{};    ///< end of the run's range
    Instant day{};         ///< any time of the UTC day
    std::vector<SiteDay> sites;
};

/// Belongs to its Sink: the same rules about threads and errors apply.
class VerificationStore {
  public:
    virtual ~VerificationStore() = default;

    /// Returns the records that differ from the tables. Compares every column and every child row, and legs
    /// only of records that have them; does not trust hashes. Forgotten engagements do not count as missing.
    /// Of several records with one id, only the last is sure to be compared. Writes nothing.
    virtual std::vector<RecordComparison> compare(const std::vector<FetchedEngagement>& records) = 0;

    /// Returns a page of the stored engagements created in [from, to). `sites`: those to report in
    /// StoredListing::sites. `after`: StoredPage::next of the previous page, none for the first page.
    virtual StoredPage stored(Instant from, Instant to, const std::vector<std::string>& sites,
                              const std::optional<StoredCursor>& after) = 0;

    /// Returns for each range the ids of the engagements that `site` listed first, except those known to be
    /// missing at the source.
    virtual std::vector<StoredIds> ids_in_ranges(const std::string& site,
                                                 const std::vector<StoredRange>& ranges) = 0;

    /// Returns the engagements created in [from, to) from which stored names of queues were read. Scans the
    /// table of queues.
    virtual std::vector<QueueNameSource> queue_name_sources(Instant from, Instant to) = 0;

    /// Invalidates the stored hashes of these engagements, so that the next commit does not take them for
    /// unchanged. Also stores that the records' sites list them.
    virtual void distrust(const std::vector<FetchedEngagement>& records) = 0;

    /// Marks engagements as missing at the source, except those with a response that was requested after
    /// `asked_at`. Returns the ids that this call has marked.
    virtual std::vector<std::string> mark_missing(const std::vector<GoneEngagement>& engagements) = 0;

    /// Saves the results of a day.
    virtual void record(const VerifiedDay& day) = 0;
    /// Deletes results older than `keep`, except the newest of each site and day. Each call checks a limited
    /// number of rows, and the next call continues after them.
    virtual void prune(Seconds keep) = 0;
};

}  // namespace glia
