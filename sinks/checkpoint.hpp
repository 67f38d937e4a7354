// The position of a pass, the lease that may move it, and what is written with a batch.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sinks/durations.hpp"
#include "sinks/merge.hpp"
#include "sinks/records.hpp"
#include "sinks/stream.hpp"
#include "sinks/work.hpp"

namespace glia {

/// A pass in progress over [from, to] of one site's listing. It is stored, so that it can resume at
/// `next_page`.
struct OpenPass {
    Instant from{};
    OptionalInstant to;          ///< none: no end_date, everything from `from` on
    OptionalInstant started_at;  ///< when its first page was requested, by the API server's clock
    OptionalText next_page;      ///< the opaque link to the next page (DESIGN.md §3.4); none: the first page
    std::int64_t pages = 0;
    std::int64_t engagements = 0;
    bool operator==(const OpenPass&) const = default;
};

/// The lease of a site's stream. As a PassTarget: the site's incremental pass.
struct SiteTarget {
    std::string site_id;
    std::int64_t epoch = 0;  ///< the lease's epoch: a commit with an older epoch is refused
    Stream stream = Stream::engagements;
    bool operator==(const SiteTarget&) const = default;
};

/// A revisit tier of a site, under the site's lease; has no effect on the watermark.
struct TierTarget {
    std::string site_id;
    std::int64_t epoch = 0;
    std::vector<Seconds> covers;  ///< how far back each covered tier reads, this one too
    Stream stream = Stream::engagements;

    SiteTarget site() const { return {site_id, epoch, stream}; }
};

/// One window of a backfill, under the window's own lease.
struct WindowTarget {
    std::int64_t backfill_id = 0;
    std::string site_id;
    Instant from{};
    std::int64_t epoch = 0;
};

/// A pass that did not reach its end, for its row in sync_runs.
struct FailedPass {
    std::string mode;  ///< incremental, revisit, backfill or listing
    OpenPass pass;     ///< its last position
    std::int64_t requests = 0;
    std::int64_t rejected = 0;
};

/// How a leased site is given back.
struct SiteRelease {
    std::chrono::milliseconds next_poll_in{};
    std::string error;                   ///< empty on success
    std::optional<FailedPass> failed{};  ///< the pass that the error belongs to
};

using PassTarget = std::variant<SiteTarget, TierTarget, WindowTarget>;

/// The position that a batch is committed with, in the same transaction (DESIGN.md §3.1).
struct PassCheckpoint {
    PassTarget target;
    OpenPass pass;
    bool complete = false;      ///< next_page was null: the window has been read to its end
    OptionalInstant watermark;  ///< only with a completed incremental pass: the new synced_through
    /// Only with a completed incremental pass after which nothing else is due: the same statement releases
    /// the lease. Repeating such a commit, after its result was lost, is not refused.
    std::optional<SiteRelease> release;
    std::int64_t requests = 0;            ///< of the whole pass so far, retries included
    std::int64_t rejected = 0;            ///< of the whole pass so far
    std::chrono::milliseconds elapsed{};  ///< since the pass began, by the process's steady clock
};

/// The hashes by which content is compared.
struct ContentHashes {
    RecordHash core{};
    std::optional<RecordHash> legs;  ///< none if the record carries no legs
};

/// A record with what the merge needs to know about its response.
struct FetchedEngagement {
    Engagement engagement;
    RecordSource source = RecordSource::list;
    Instant fetched_at{};               ///< when it was requested, by the API server's clock
    std::string site_id;                ///< the site whose listing showed it; empty for a detail
    std::optional<Seconds> refetch_in;  ///< set if it is ongoing: when to fetch it again
    /// When it was requested, by the process's steady clock. The clock's maximum means unknown and is never
    /// late.
    std::chrono::steady_clock::time_point sent_at = std::chrono::steady_clock::time_point::max();
    /// The hashes of `engagement`, if they were computed already; otherwise the comparison computes them.
    std::optional<ContentHashes> hashes{};
};

/// A rejected record with its source.
struct RejectedFetch {
    RejectedRecord record;
    RecordSource source = RecordSource::list;
    std::string site_id;  ///< empty for a detail
};

/// The records and outcomes that are written in one transaction.
struct Batch {
    std::vector<FetchedEngagement> engagements;
    std::vector<RejectedFetch> rejected;
    std::vector<WorkOutcome> details;  ///< outcomes of claimed details, written with their records
    std::string claimed_by;  ///< the claiming instance; details that it no longer claims are not written

    bool empty() const { return engagements.empty() && rejected.empty() && details.empty(); }
};

/// A batch and the position that it is committed with. Does not own them.
struct CheckpointedBatch {
    const Batch* batch = nullptr;
    const PassCheckpoint* checkpoint = nullptr;  ///< none: rows only
};

struct CommitCounts {
    std::int64_t inserted = 0;
    std::int64_t changed = 0;
    std::int64_t unchanged = 0;
    std::int64_t stale = 0;
    /// Those of changed, unchanged and stale that the site had not listed before. Only PostgreSQL counts
    /// them.
    std::int64_t newly_listed = 0;
    std::int64_t legs = 0;      ///< engagements whose legs were written
    std::int64_t leg_rows = 0;  ///< legs written
    std::int64_t queued = 0;    ///< details queued
    std::int64_t rejected = 0;
    std::int64_t forgotten = 0;  ///< not written, because `forget` has erased them

    CommitCounts& operator+=(const CommitCounts& other) {
        inserted += other.inserted;
        changed += other.changed;
        unchanged += other.unchanged;
        stale += other.stale;
        newly_listed += other.newly_listed;
        legs += other.legs;
        leg_rows += other.leg_rows;
        queued += other.queued;
        rejected += other.rejected;
        forgotten += other.forgotten;
        return *this;
    }
};

/// Checks a statement that writes one row for each lease that is still held. Throws `lease_lost` if it has
/// written fewer rows than `leases`. `what`: the site or windows, for the error.
void fence(std::int64_t rows_written, const std::string& what, std::size_t leases = 1);

/// Names the site or window in errors.
std::string describe(const SiteTarget& site);
std::string describe(const WindowTarget& window);

}  // namespace glia
