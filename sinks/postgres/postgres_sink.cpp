#include "sinks/postgres/postgres_sink.hpp"

#include <algorithm>

#include "sinks/commit_invariants.hpp"
#include "sinks/postgres/batch_writer.hpp"
#include "sinks/postgres/checkpoint.hpp"
#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/postgres/work_outcomes.hpp"

namespace glia::postgres {
namespace {

/// Returns the batch without these engagements.
Batch without(const Batch& batch, const std::set<std::string>& engagements) {
    Batch rest = batch;
    const auto is_out = [&](const std::string& id) { return engagements.count(id) > 0; };
    std::erase_if(rest.details, [&](const WorkOutcome& d) { return is_out(d.job.engagement_id); });
    std::erase_if(rest.engagements,
                  [&](const FetchedEngagement& e) { return is_out(e.engagement.id.str()); });
    std::erase_if(rest.rejected, [&](const RejectedFetch& r) {
        return r.record.engagement_id && is_out(*r.record.engagement_id);
    });
    return rest;
}

class PostgresSink final : public Sink {
  public:
    explicit PostgresSink(const Settings& settings)
        : connection_(ConnectSettings{settings.dsn, settings.schema, settings.statement_timeout,
                                      settings.on_statement}),
          enrichers_(settings.enrich),
          scans_(settings.scans) {}

    int migrate() override { return postgres::migrate(connection_); }
    void require_schema() override { require_latest(connection_); }

    CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) override {
        if (checkpoint) check_checkpoint(*checkpoint);
        std::set<std::string> lost;
        try {
            return commit_all(batch, checkpoint);
        } catch (ClaimsLost& claims) {
            lost = std::move(claims.engagements);
        }
        return commit(without(batch, lost), checkpoint);
    }

    std::vector<CommitCounts> commit_together(const std::vector<CheckpointedBatch>& commits) override {
        std::vector<const Batch*> batches;
        batches.reserve(commits.size());
        for (const CheckpointedBatch& commit : commits) {
            if (commit.checkpoint) check_checkpoint(*commit.checkpoint);
            batches.push_back(commit.batch);
        }
        return connection_.query([&](Transaction& tx) {
            std::vector<const PassCheckpoint*> windows;
            for (const CheckpointedBatch& commit : commits) {
                if (!commit.checkpoint) continue;
                if (std::holds_alternative<WindowTarget>(commit.checkpoint->target)) {
                    windows.push_back(commit.checkpoint);
                } else {
                    write_checkpoint(tx, *commit.checkpoint);
                }
            }
            if (!windows.empty()) write_windows(tx, windows);
            return write_batches(tx, batches, enrichers_, scans_);
        });
    }

    SiteLeases& site_leases() override { return *site_leases_; }
    BackfillStore& backfills() override { return *backfills_; }
    WorkQueue& work_queue() override { return *work_queue_; }
    EnrichmentStore& enrichments() override { return *enrichments_; }
    DirectoryStore& directory() override { return *directory_; }
    StatisticsStore& statistics() override { return *statistics_; }
    ErasureStore& erasures() override { return *erasures_; }
    RejectStore& rejects() override { return *rejects_; }
    InstanceStore& instances() override { return *instances_; }
    ReportStore& reports() override { return *reports_; }
    VerificationStore* verifications() override { return verifications_.get(); }

  private:
    CommitCounts commit_all(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) {
        const auto write = [&](bool one_by_one) {
            return connection_.query([&](Transaction& tx) {
                if (checkpoint) write_checkpoint(tx, *checkpoint);
                return one_by_one ? write_one_by_one(tx, batch, enrichers_, scans_)
                                  : write_batch(tx, batch, enrichers_, scans_);
            });
        };
        try {
            return write(false);
        } catch (const SinkError& error) {
            // The database refuses a value that our checks accept. Writes one by one, so that only its record
            // is rejected and the batch does not fail for ever.
            if (error.kind() != SinkError::Kind::internal || batch.engagements.empty()) throw;
        }
        return write(true);
    }

    Connection connection_;
    EnabledEnrichers enrichers_;
    ScanMemory scans_;
    const std::unique_ptr<SiteLeases> site_leases_ = make_site_leases(connection_);
    const std::unique_ptr<BackfillStore> backfills_ = make_backfill_store(connection_);
    const std::unique_ptr<WorkQueue> work_queue_ = make_work_queue(connection_);
    const std::unique_ptr<EnrichmentStore> enrichments_ = make_enrichment_store(connection_);
    const std::unique_ptr<DirectoryStore> directory_ = make_directory_store(connection_);
    const std::unique_ptr<StatisticsStore> statistics_ = make_statistics_store(connection_);
    const std::unique_ptr<ErasureStore> erasures_ = make_erasure_store(connection_);
    const std::unique_ptr<RejectStore> rejects_ = make_reject_store(connection_);
    const std::unique_ptr<InstanceStore> instances_ = make_instance_store(connection_);
    const std::unique_ptr<ReportStore> reports_ = make_report_store(connection_);
    const std::unique_ptr<VerificationStore> verifications_ = make_verification_store(connection_);
};

}  // namespace

std::unique_ptr<Sink> open(const Settings& settings) {
    return std::make_unique<PostgresSink>(settings);
}

}  // namespace glia::postgres
