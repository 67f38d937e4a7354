// The Sink: where records and checkpoints are kept. Implemented in postgres/.
//
// Every call blocks. A Sink belongs to one thread at a time; the daemon gives each writer thread its own.
// Errors are SinkError or OutputLost, never anything a driver throws.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/enrichment.hpp"
#include "sinks/status.hpp"
#include "sinks/tombstone.hpp"

namespace glia {

/// Why a sink could not do what it was asked; `what()` is one line for a person.
class SinkError : public std::runtime_error {
  public:
    enum class Kind {
        unavailable,    ///< connection lost, server restarting, lock or statement timeout: the same call may
                        ///< succeed later
        misconfigured,  ///< no such database, role, password or schema: a person has to act
        denied,         ///< a privilege is missing
        lease_lost,     ///< the fence held: somebody else owns this work now; nothing was written
        schema,         ///< schema newer than the program, or older and not to be migrated
        internal        ///< a statement failed that should not have
    };
    SinkError(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    Kind kind() const { return kind_; }

  private:
    Kind kind_;
};

/// Standard output, where the lines go, takes no more of them: its reader is gone, or its disk is full.
/// Nothing that is tried again helps, so this ends the program. `what()` is one line for a person.
class OutputLost : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// A revisit tier's state.
struct TierState {
    Seconds back{};
    std::optional<Seconds> since_start;  ///< how long ago it last started; none: never
};

/// The right to poll a site, and where it stands.
struct SiteLease {
    std::string site_id;
    std::int64_t epoch = 0;
    OptionalInstant synced_through;
    std::optional<OpenPass> open_pass;
    std::vector<TierState> tiers;
    int failures = 0;  ///< in a row, before this lease
};

/// Answer to a request for a lease.
struct SiteAcquired {
    std::optional<SiteLease> lease;
    Seconds wait{};     ///< without a lease: after which time to ask again
    std::string owner;  ///< without a lease: who holds it, empty if it is just not due
};

/// What identifies a backfill: the same again goes on with the unfinished one.
struct BackfillSpec {
    Instant from{};
    Instant to{};
    bool to_is_open = false;  ///< --to was not given: `to` is now, and an unfinished backfill keeps its own
    Seconds window{};
    std::vector<std::string> sites;
    bool restart = false;
};

/// A backfill as stored.
struct BackfillState {
    std::int64_t id = 0;
    Instant from{};
    Instant to{};
    bool resumed = false;
    bool already_complete = false;
};

/// A window of a backfill that was claimed.
struct WindowLease {
    WindowTarget target;
    OpenPass pass;
    int attempts = 0;
};

/// Which windows of a backfill to take.
struct WindowClaim {
    std::int64_t backfill_id = 0;
    std::string owner;
    Seconds ttl{};
    std::vector<std::string> except_sites;
    std::int64_t limit = 1;
};

/// How far a backfill is.
struct BackfillProgress {
    std::int64_t windows_total = 0;
    std::int64_t windows_done = 0;
    std::int64_t windows_leased = 0;  ///< being read, by this instance or another, or left behind by one
    std::int64_t engagements = 0;
    std::int64_t pages = 0;
    std::string error;  ///< of the window that failed last, if any is unfinished because of it
};

/// Which due details to take.
struct DetailClaim {
    std::string owner;
    int limit = 0;
    Seconds ttl{};  ///< for so long nobody else takes them
};

/// What reset_site() did.
struct ResetResult {
    bool known = false;  ///< the site has a watermark
    bool moved = false;  ///< false: it is not later than `to` anyway, so nothing was changed
    OptionalInstant before;
};

/// What is to be erased for good: an engagement, or a visitor with all engagements.
struct ForgetOrder {
    OptionalText engagement_id;
    OptionalText visitor_id;         ///< as the API tells it
    OptionalText stored_visitor_id;  ///< as privacy has it stored, if it is stored otherwise
};

/// What `forget` asked for and is not through, as stored.
struct ErasureOrder {
    std::string kind;  ///< engagement, visitor, or tombstones: what is stored of another database's
    std::string id;
    std::string cursor{};  ///< where its next part begins, as the last step has told; empty: at the start
};

/// What was erased.
struct Erased {
    std::int64_t engagements = 0;
    std::int64_t rejected = 0;

    bool any() const { return engagements + rejected > 0; }
    Erased& operator+=(const Erased& other) {
        engagements += other.engagements;
        rejected += other.rejected;
        return *this;
    }
};

/// What a part of an erasure did.
struct ErasureStep {
    Erased erased;
    bool finished = true;  ///< nothing of the order is left
    std::string cursor{};  ///< if there is: where the next part begins
};

/// How far erasing by age has come; kept between the calls of erase_older().
struct RetentionCursor {
    enum class Stage { listed, unlisted, rejected, samples, finished };
    Stage stage = Stage::listed;
    std::string site;      ///< whose engagements are being erased; empty: the first site's are next
    OptionalInstant from;  ///< created_at of the last one erased of it
};

/// Which rejected records to show.
struct RejectedQuery {
    std::vector<std::int64_t> ids;  ///< these; empty: any
    bool resolved_too = false;
    std::string site_id;  ///< of this site only; empty: of any
    std::int64_t limit = 1000;
};

/// A rejected record as stored (rejected_records).
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

/// See the file's head.
class Sink {
  public:
    virtual ~Sink() = default;

    /// Brings the schema to this program's version. Returns the version. Throws `schema` if it is newer.
    virtual int migrate() = 0;
    /// Throws `schema` unless the schema is exactly this program's.
    virtual void require_schema() = 0;

    /// Writes a batch and, with it, the checkpoint; all or nothing. Throws `lease_lost` if the fence refuses.
    virtual CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) = 0;

    /// Writes several in one transaction, all or nothing; the counts in their order. They end in the tables
    /// as if each had been committed on its own, one after the other. A sink that does not do that returns
    /// nothing, and has done nothing.
    virtual std::vector<CommitCounts> commit_together(const std::vector<CommitPart>&) { return {}; }

    /// Leases a site that is due (or any, with `force`) for `ttl`.
    virtual SiteAcquired acquire_site(const std::string& site, const std::string& owner, Seconds ttl,
                                      bool force) = 0;
    virtual void renew_site(const std::string& site, std::int64_t epoch, Seconds ttl) = 0;
    /// Gives a site back; an error leaves a row in sync_runs. Does nothing if the lease is no longer held.
    virtual void release_site(const std::string& site, std::int64_t epoch, const SiteRelease& release) = 0;

    /// Finds or makes the backfill.
    virtual BackfillState open_backfill(const BackfillSpec& spec) = 0;
    /// The oldest windows that are free, in that order.
    virtual std::vector<WindowLease> claim_windows(const WindowClaim& claim) = 0;
    virtual void renew_window(const WindowTarget& window, Seconds ttl) = 0;
    /// Gives a window back unfinished; an error leaves a row in sync_runs, none means that only the program
    /// stops. Does nothing if the lease is no longer held.
    virtual void release_window(const WindowTarget& window, const std::string& error) = 0;
    virtual BackfillProgress backfill_progress(std::int64_t backfill_id) = 0;
    /// For `status`: how long it will take from now on; none if nothing can be said.
    virtual void tell_time_left(std::int64_t backfill_id, std::optional<Seconds> left) = 0;
    /// Closes a backfill all of whose windows are done, with a row in sync_runs.
    virtual void finish_backfill(std::int64_t backfill_id) = 0;

    /// Moves ongoing engagements that are due (or all of them) into the detail queue. Returns how many.
    virtual std::int64_t queue_ongoing(bool all) = 0;
    virtual std::vector<DetailJob> claim_details(const DetailClaim& claim) = 0;
    /// Prolongs claims that have not passed to another owner.
    virtual void renew_details(const std::string& owner, const std::vector<std::string>& engagements,
                               Seconds ttl) = 0;
    /// Details waiting and due now, not parked; claimed ones included.
    virtual std::int64_t details_due() = 0;

    /// How far the API server's clock was ahead of the machine's, as a program there last found; none: nobody
    /// did.
    virtual std::optional<std::chrono::microseconds> server_clock(const std::string& machine) = 0;
    virtual void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) = 0;

    /// The owners named by any lease or claim, for take_over().
    virtual std::vector<std::string> owners() = 0;
    /// Frees every lease and claim of an owner that is known to be dead.
    virtual void take_over(const std::string& owner) = 0;
    /// Ends transactions that still hold rows of leases which ran out `after` ago. Returns how many.
    virtual std::int64_t end_stuck(Seconds after) = 0;
    /// Deletes rows of sync_runs whose runs ended longer than `keep` ago.
    virtual void prune(Seconds keep) = 0;

    /// Moves a site's watermark back to `to`, forgets its open pass, makes it due at once, and ends the lease
    /// of whoever is reading it: what that one still commits is refused.
    virtual ResetResult reset_site(const std::string& site, Instant to) = 0;

    /// From now on nothing of it is written; erase_some() erases what is there. Once this has returned, it
    /// cannot come to nothing any more, whoever dies.
    virtual void forget(const ForgetOrder& order) = 0;
    /// What was to be forgotten and is not erased yet, the oldest order first.
    virtual std::vector<ErasureOrder> erasure_orders() = 0;
    /// Erases a part of what an order names, in one small transaction; to be called until it is finished.
    /// Files are left; see recordings_to_erase().
    virtual ErasureStep erase_some(const ErasureOrder& order) = 0;
    /// Erases a part of what is older, in one small transaction, and moves `cursor` on; to be called until
    /// its stage is `finished`.
    virtual Erased erase_older(Instant before, RetentionCursor& cursor) = 0;
    /// Engagements that were erased and whose recordings' files have to be deleted: some of them, in the
    /// order of their ids, after `after`.
    virtual std::vector<std::string> recordings_to_erase(const std::string& after) = 0;
    /// The tombstones in a fixed order: at most `limit` of those after `after`. Writes nothing.
    virtual std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) = 0;
    /// Adds tombstones that another database had, all or none, and orders the erasure of what is stored of
    /// them; erase_some() performs it. Returns how many were new.
    virtual std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) = 0;
    /// They have been.
    virtual void recordings_erased(const std::vector<std::string>& engagements) = 0;

    /// Rejected records, the newest first.
    virtual std::vector<RejectedRow> rejected(const RejectedQuery& query) = 0;
    /// Marks one as settled.
    virtual void resolve_rejected(std::int64_t id) = 0;

    // What enrichers need; a sink that keeps nothing of theirs does nothing here.

    /// Asks for what came or changed while the enricher was off: some of it, after `after`. Returns where to
    /// go on; none: that was all.
    virtual std::optional<MissedCursor> queue_enrichments(Enricher,
                                                          const std::optional<MissedCursor>& /*after*/) {
        return std::nullopt;
    }
    /// All of it has been asked for, in a series of calls that began so long ago.
    virtual void enrichments_queued(Enricher, Seconds /*ago*/) {}
    virtual std::vector<EnrichmentJob> claim_enrichments(const EnrichmentClaim&) { return {}; }
    virtual void renew_enrichments(const std::string& /*owner*/, Enricher, const std::vector<EnrichmentJob>&,
                                   Seconds /*ttl*/) {}
    /// Writes what was fetched, or why it was not.
    virtual Settled settle_enrichment(const EnrichmentOutcome&, const std::string& /*owner*/) {
        return Settled::lost;
    }
    /// True once in `every` for all instances: whoever has the turn samples the queue's wait.
    virtual bool take_wait_turn(Seconds /*every*/) { return false; }
    virtual void add_wait_sample(const std::string& /*site*/, Instant /*sampled_at*/, OptionalSeconds) {}
    /// How an enricher fared as a whole; an empty error: well.
    virtual void enricher_fared(const std::string& /*kind*/, const std::string& /*error*/) {}

    virtual StatusReport status() = 0;
    /// The last `runs` runs, and the volume of the last day.
    virtual History history(std::int64_t runs) = 0;
};

using SinkFactory = std::function<std::unique_ptr<Sink>()>;

}  // namespace glia
