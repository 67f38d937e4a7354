// Where a pass stands, what holds the right to move it, and what is written with a batch.
#pragma once

#include <chrono>
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

/// A pass in progress over [from, to] of one site's listing; kept so that it resumes at `next_page`.
struct OpenPass {
    Instant from{};
    OptionalInstant to;          ///< none: no end_date, everything from `from` on
    OptionalInstant started_at;  ///< server's clock, at the request of its first page
    OptionalText next_page;  ///< the opaque link to go on with (DESIGN.md §3.4); none: from the first page
    std::int64_t pages = 0;
    std::int64_t engagements = 0;
    bool operator==(const OpenPass&) const = default;
};

/// The incremental pass of a site, under the site's lease.
struct SiteTarget {
    std::string site_id;
    std::int64_t epoch = 0;  ///< the lease's: a commit under an older one is refused
    Stream stream = Stream::engagements;
    bool operator==(const SiteTarget&) const = default;
};

/// A revisit tier of a site, under the site's lease; has no effect on the watermark.
struct TierTarget {
    std::string site_id;
    std::int64_t epoch = 0;
    std::vector<Seconds> covers;  ///< how far back it reads, and the tiers that reach less far
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
    std::string mode;  ///< incremental or revisit
    OpenPass pass;     ///< where it stood
    std::int64_t requests = 0;
    std::int64_t rejected = 0;
};

/// How a leased site is given back.
struct SiteRelease {
    std::chrono::milliseconds next_poll_in{};
    std::string error;                   ///< empty: all went well
    std::optional<FailedPass> failed{};  ///< what the error is of
};

using PassTarget = std::variant<SiteTarget, TierTarget, WindowTarget>;

/// The position that a batch is committed with, in the same transaction (DESIGN.md §3.1).
struct PassCheckpoint {
    PassTarget target;
    OpenPass pass;
    bool complete = false;      ///< next_page was null: the window has been read to its end
    OptionalInstant watermark;  ///< only with a completed incremental pass: the new synced_through
    /// Only with a completed incremental pass after which nothing else is due: the lease is given back by the
    /// same statement. The same again after that (nobody knows whether it was committed) is not refused.
    std::optional<SiteRelease> release;
    std::int64_t requests = 0;            ///< of the whole pass so far, retries included
    std::int64_t rejected = 0;            ///< of the whole pass so far
    std::chrono::milliseconds elapsed{};  ///< since the pass began, by the clock of whoever reads
};

/// What content is compared by.
struct ContentHashes {
    RecordHash core{};
    std::optional<RecordHash> legs;  ///< none: there are no legs in the record
};

/// A record with what the merge needs to know about its response.
struct FetchedEngagement {
    Engagement engagement;
    RecordSource source = RecordSource::list;
    Instant fetched_at{};               ///< when it was asked for, by the server's clock
    std::string site_id;                ///< the site whose listing showed it; empty for a detail
    std::optional<Seconds> refetch_in;  ///< set while it goes on: when to fetch it again
    /// When it was asked for by the steady clock of the process; its maximum: not known, and never late.
    std::chrono::steady_clock::time_point sent_at = std::chrono::steady_clock::time_point::max();
    /// Of `engagement`, taken once by whoever makes this; none: whoever compares it takes them.
    std::optional<ContentHashes> hashes{};
};

/// A rejected record with where it was met.
struct RejectedFetch {
    RejectedRecord record;
    RecordSource source = RecordSource::list;
    std::string site_id;  ///< empty for a detail
};

/// What is written in one transaction.
struct Batch {
    std::vector<FetchedEngagement> engagements;
    std::vector<RejectedFetch> rejected;
    std::vector<WorkOutcome> details;  ///< claimed details, settled with their records
    std::string claim_owner;  ///< who claimed the details: what somebody else holds by now is not written

    bool empty() const { return engagements.empty() && rejected.empty() && details.empty(); }
};

/// A batch with the position it is committed with; outlived by what it points to.
struct CommitPart {
    const Batch* batch = nullptr;
    const PassCheckpoint* checkpoint = nullptr;  ///< none: rows only
};

/// What a commit did.
struct CommitCounts {
    std::int64_t inserted = 0;
    std::int64_t changed = 0;
    std::int64_t unchanged = 0;
    std::int64_t stale = 0;
    std::int64_t legs = 0;      ///< engagements whose legs were written
    std::int64_t leg_rows = 0;  ///< their legs
    std::int64_t queued = 0;    ///< details asked for
    std::int64_t rejected = 0;
    std::int64_t forgotten = 0;  ///< not written, because somebody had them erased

    CommitCounts& operator+=(const CommitCounts& other) {
        inserted += other.inserted;
        changed += other.changed;
        unchanged += other.unchanged;
        stale += other.stale;
        legs += other.legs;
        leg_rows += other.leg_rows;
        queued += other.queued;
        rejected += other.rejected;
        forgotten += other.forgotten;
        return *this;
    }
};

}  // namespace glia
