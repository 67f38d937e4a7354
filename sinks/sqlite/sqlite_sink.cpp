#include "sinks/sqlite/sqlite_sink.hpp"

#include "sinks/commit_invariants.hpp"
#include "sinks/sqlite/checkpoint.hpp"
#include "sinks/sqlite/engagement_merge.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

class SqliteSink final : public Sink {
  public:
    explicit SqliteSink(const Settings& settings) : file_(settings) {}

    int migrate() override { return file_.migrate(); }
    void require_schema() override {
        if (!file_.exists()) {
            migrate();
            return;
        }
        file_.require_writable();
        // Checks the version on a read-only connection, so that it works while another program writes.
        file_.read([](Connection&) {});
    }

    CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) override {
        return commit_together({{&batch, checkpoint ? &*checkpoint : nullptr}}).front();
    }
    std::vector<CommitCounts> commit_together(const std::vector<CheckpointedBatch>& commits) override {
        for (const CheckpointedBatch& commit : commits) {
            if (commit.checkpoint) check_checkpoint(*commit.checkpoint);
        }
        std::vector<CommitCounts> counts;
        file_.commit([&](Connection& connection, RecordWriter& writer) {
            for (const CheckpointedBatch& commit : commits) {
                if (commit.checkpoint) write_checkpoint(connection, *commit.checkpoint);
                counts.push_back(merge_batch(connection, *commit.batch, writer));
            }
        });
        return counts;
    }

    SiteLeases& site_leases() override { return *site_leases_; }
    BackfillStore& backfills() override { return *backfills_; }
    WorkQueue& work_queue() override { return *work_queue_; }
    EnrichmentStore& enrichments() override { return enrichments_; }
    DirectoryStore& directory() override { return *directory_; }
    StatisticsStore& statistics() override { return statistics_; }
    ErasureStore& erasures() override { return *erasures_; }
    RejectStore& rejects() override { return *rejects_; }
    InstanceStore& instances() override { return *instances_; }
    ReportStore& reports() override { return *reports_; }

  private:
    StateFile file_;
    const std::unique_ptr<SiteLeases> site_leases_ = make_site_leases(file_);
    const std::unique_ptr<BackfillStore> backfills_ = make_backfill_store(file_);
    const std::unique_ptr<WorkQueue> work_queue_ = make_work_queue(file_);
    EnrichmentStore enrichments_;  // enrichers write to PostgreSQL only
    const std::unique_ptr<DirectoryStore> directory_ = make_directory_store(file_);
    StatisticsStore statistics_;  // PostgreSQL only
    const std::unique_ptr<ErasureStore> erasures_ = make_erasure_store(file_);
    const std::unique_ptr<RejectStore> rejects_ = make_reject_store(file_);
    const std::unique_ptr<InstanceStore> instances_ = make_instance_store(file_);
    const std::unique_ptr<ReportStore> reports_ = make_report_store(file_);
};

}  // namespace

std::unique_ptr<Sink> open(const Settings& settings) {
    return std::make_unique<SqliteSink>(settings);
}

}  // namespace glia::sqlite
