// The modelled database: what the PostgreSQL sink promises (sinks/sink.hpp), in memory and in virtual time.
// Each call is a transaction of its own. It checks invariants: a forbidden write is recorded as a violation.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "sinks/sink.hpp"

namespace simulation {

using namespace glia;

class ModelDatabase : public Sink,
                      public SiteLeases,
                      public BackfillStore,
                      public WorkQueue,
                      public EnrichmentStore,
                      public DirectoryStore,
                      public ErasureStore,
                      public RejectStore,
                      public InstanceStore,
                      public ReportStore,
                      public VerificationStore {
  public:
    struct Row {
        Engagement core;
        StoredState state;
        std::set<std::string> sites;
        RecordList<Leg> legs;
        Instant changed_at{};
        std::string first_site;         ///< the site that listed it first; empty: none has
        OptionalInstant missing_since;  ///< the source no longer has it
    };
    struct Site {
        OptionalInstant synced_through;
        std::optional<OpenPass> open_pass;
        int failures = 0;
        OptionalInstant next_poll_at;
        std::string lease_owner;
        std::int64_t lease_epoch = 0;
        Instant lease_expires_at{};
        std::map<std::int64_t, Instant> tiers;  // by seconds back: when it last started
        /// Where a reset has moved the watermark. Only a pass whose range starts there or earlier may move
        /// the watermark again.
        OptionalInstant reset_to;
    };
    struct Window {
        WindowTarget target;
        OpenPass pass;
        bool done = false;
        int attempts = 0;
        std::string lease_owner;
        Instant lease_expires_at{};
    };
    /// Can be claimed.
    bool is_free(const Window& one, const std::vector<std::string>& except_sites) const;
    /// The content of an engagement in the newest response that was written or found unchanged.
    struct Newest {
        Instant asked = Instant::min();
        Engagement core;
        Instant legs_asked = Instant::min();
        RecordList<Leg> legs;
        /// An older response that was not late overwrote this one. config/GUARANTEES.md excludes this case,
        /// so difference_from_newest() ignores the engagement.
        bool overwritten_by_older = false;
    };
    /// A job of the work queue. A completed job is removed if it is of a detail; otherwise it stays with
    /// `waiting` false.
    struct QueuedWork {
        Instant created_at{};
        Instant wanted_after{};
        int attempts = 0;
        Instant next_attempt_at{};
        bool parked = false;
        bool waiting = true;
        Instant changed_at{};  ///< time of the change that enqueued it last
        std::string claimed_by;
        Instant claimed_until{};
    };
    /// By engagement and item.
    using JobKey = std::pair<std::string, std::string>;
    using Jobs = std::map<JobKey, QueuedWork>;
    struct Transcript {
        Instant fetched_at{};
        std::vector<ChatMessage> messages;
    };

    struct StoredOperator {
        OperatorEntry entry;
        Instant fetched_at{};
        OptionalInstant missing_since;
        std::set<std::string> sites;
    };
    struct Name {
        Instant valid_from{};
        OptionalInstant valid_to;
        std::string name;
    };

    Instant now{};          ///< set before each call
    std::string violation;  ///< the first property that was broken; empty: none
    /// Called before a watermark moves, with the site, the pass and the new watermark.
    std::function<void(const std::string&, const OpenPass&, Instant)> on_watermark;
    /// Called before a window of a backfill is marked as done.
    std::function<void(const WindowTarget&, const OpenPass&)> on_window_done;

    /// Called when a listing no longer shows an operator that the site showed before.
    std::function<void(const SiteTarget&, const std::string&)> on_operator_gone;

    /// Called before engagements are marked as missing.
    std::function<void(const std::vector<GoneEngagement>&)> on_missing;

    /// False: verifications() returns null, as for a file destination.
    bool can_verify = false;
    std::vector<VerifiedDay> verified_days;
    std::map<std::string, Row> rows;
    std::map<std::string, Newest> newest;
    /// How an engagement's row differs from `newest`, in one line; empty if it does not.
    std::string difference_from_newest(const std::string& id) const;
    std::map<std::string, Site> sites;  ///< by id; of other streams than engagements "STREAM/ID"
    bool backfill_finished = false;
    std::vector<Window> windows;
    std::array<Jobs, kWorkKinds.size()> work;
    Jobs& jobs(WorkKind kind) { return work.at(static_cast<std::size_t>(kind)); }
    const Jobs& jobs(WorkKind kind) const { return work.at(static_cast<std::size_t>(kind)); }
    EnabledEnrichers enrichers;  ///< of the instance that calls
    std::map<std::string, Transcript> transcripts;
    std::map<JobKey, RecordingFile> recordings;
    std::map<WorkKind, Instant> enqueued_through;  ///< all changes before this time are enqueued
    std::map<std::string, Instant> refuses_until;  ///< by engagement: until when writing its transcript fails
    std::map<std::string, Instant> ongoing;
    std::map<std::string, StoredOperator> operators;
    std::map<std::string, std::vector<Name>> names;  ///< by operator
    std::set<std::string> rejected_open;
    std::set<std::string> forgotten_engagements;
    std::set<std::string> forgotten_visitors;

    Window* window(const WindowTarget& target);
    /// Compares everything but the legs, which have a request time of their own.
    static bool same_core(const Engagement& one, const Engagement& other);

    int migrate() override { return 1; }
    void require_schema() override {}
    CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) override;
    std::vector<CommitCounts> commit_together(const std::vector<CheckpointedBatch>& commits) override;
    SiteLeases& site_leases() override { return *this; }
    BackfillStore& backfills() override { return *this; }
    WorkQueue& work_queue() override { return *this; }
    EnrichmentStore& enrichments() override { return *this; }
    ErasureStore& erasures() override { return *this; }
    RejectStore& rejects() override { return *this; }
    InstanceStore& instances() override { return *this; }
    ReportStore& reports() override { return *this; }
    DirectoryStore& directory() override { return *this; }
    StatisticsStore& statistics() override { return statistics_; }
    VerificationStore* verifications() override { return can_verify ? this : nullptr; }

    SiteAcquired acquire(const SiteKey& key, const std::string& instance_id, Seconds ttl,
                         bool force) override;
    void renew(const SiteTarget& lease, Seconds ttl) override;
    void release(const SiteTarget& lease, const SiteRelease& release) override;
    ResetResult reset(const SiteKey& key, Instant to) override;

    BackfillState open(const BackfillSpec& spec) override;
    std::vector<WindowLease> claim_windows(const WindowClaim& claim) override;
    void renew_window(const WindowTarget& window, Seconds ttl) override;
    void release_window(const WindowTarget& window, const std::string& error) override;
    BackfillProgress progress(std::int64_t backfill_id,
                              const std::vector<std::string>& except_sites) override;
    void record_time_left(std::int64_t, std::optional<Seconds>) override {}
    void finish(std::int64_t) override;

    std::int64_t enqueue_ongoing(bool all) override;
    std::vector<WorkJob> claim(const WorkClaim& claim) override;
    void renew(WorkKind kind, const std::string& instance_id, const std::vector<WorkJob>& jobs,
               Seconds ttl) override;
    std::int64_t due(WorkKind kind) override;
    ClaimResult complete(WorkKind kind, const WorkOutcome& outcome, const std::string& instance_id) override;

    std::optional<MissedCursor> enqueue_missed(WorkKind kind,
                                               const std::optional<MissedCursor>& after) override;
    void record_enqueued(WorkKind kind, Seconds ago) override;

    bool keeps_directory() const override { return true; }
    DirectoryCounts commit_listing(const SiteTarget& lease, const DirectoryListing& listing) override;
    bool refuse_listing(const SiteTarget& lease, const DirectoryRefusal& refusal) override;

    std::optional<std::chrono::microseconds> server_clock(const std::string&) override {
        return std::nullopt;
    }
    void save_server_clock(const std::string&, std::chrono::microseconds) override {}
    std::vector<std::string> lease_owners() override { return {}; }
    void release_leases_of_dead(const std::string& instance_id) override;
    std::int64_t end_stuck_transactions(Seconds) override { return 0; }

    void forget(const ForgetOrder& order) override;
    std::vector<ErasureOrder> orders() override { return std::vector<ErasureOrder>(1); }
    /// Erases the data of all orders at once.
    ErasureStep erase_part(const ErasureOrder& order) override;
    Erased erase_older(Instant before, RetentionCursor& cursor) override;
    std::vector<std::string> recordings_to_erase(const std::string&) override { return {}; }
    void recordings_erased(const std::vector<std::string>&) override {}
    // The simulation has one database: no tombstones come from another.
    std::vector<Tombstone> tombstones(const std::optional<Tombstone>&, std::int64_t) override { return {}; }
    std::int64_t add_tombstones(const std::vector<Tombstone>&) override { return 0; }

    std::vector<RejectedRow> find(const RejectedQuery&) override { return {}; }
    std::vector<std::int64_t> ids(const RejectedQuery&) override { return {}; }
    void resolve(std::int64_t) override {}

    std::vector<RecordComparison> compare(const std::vector<FetchedEngagement>& records) override;
    StoredPage stored(Instant from, Instant to, const std::vector<std::string>& asked,
                      const std::optional<StoredCursor>& after) override;
    std::vector<StoredIds> ids_in_ranges(const std::string& site,
                                         const std::vector<StoredRange>& ranges) override;
    std::vector<QueueNameSource> queue_name_sources(Instant, Instant) override { return {}; }
    void distrust(const std::vector<FetchedEngagement>& records) override;
    std::vector<std::string> mark_missing(const std::vector<GoneEngagement>& engagements) override;
    void record(const VerifiedDay& day) override { verified_days.push_back(day); }
    void prune(Seconds) override {}

    StatusReport status() override { return {}; }
    std::vector<RunStatus> runs(std::int64_t) override { return {}; }
    History history(std::int64_t) override { return {}; }
    void prune_runs(Seconds) override {}

  private:
    void note_response(const FetchedEngagement& fetched, const IncomingState& incoming,
                       const MergePlan& plan);
    void broken(const std::string& what) {
        if (violation.empty()) violation = what;
    }
    void check_fence(const PassCheckpoint& checkpoint) const;
    void write_checkpoint(const PassCheckpoint& checkpoint);
    void write_engagement(const FetchedEngagement& fetched, CommitCounts& counts);
    void enqueue(WorkKind kind, const JobKey& job, Instant created_at, Instant wanted_after);
    void enqueue(const FetchedEngagement& fetched, const IncomingState& incoming, const MergePlan& plan,
                 bool has_legs);
    void complete(const WorkOutcome& outcome, QueuedWork& job);
    void complete_details(const Batch& batch);
    void erase_work(const std::string& id);
    Site& stream_of(const SiteTarget& lease);
    void write_name(const std::string& id, const OptionalText& name, Instant at);
    bool is_forgotten(const Engagement& engagement) const;
    Erased erase(const std::function<bool(const Engagement&)>& which);
    std::set<std::string> lost_claims(const Batch& batch) const;
    std::optional<RecordComparison> compare_one(const FetchedEngagement& record) const;

    StatisticsStore statistics_;
};

}  // namespace simulation
