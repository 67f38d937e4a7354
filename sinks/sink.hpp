// The Sink: where records and state are kept. postgres/ keeps both in one database; sqlite/ keeps the state
// of every other destination and hands merged records to its RecordWriter.
//
// Every call blocks. A Sink belongs to one thread at a time; the daemon gives each writer thread its own.
// Calls throw SinkError or OutputLost, never exceptions of a driver.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/sink_error.hpp"
#include "sinks/state/backfill_store.hpp"
#include "sinks/state/directory_store.hpp"
#include "sinks/state/enrichment_store.hpp"
#include "sinks/state/erasure_store.hpp"
#include "sinks/state/instance_store.hpp"
#include "sinks/state/reject_store.hpp"
#include "sinks/state/report_store.hpp"
#include "sinks/state/site_leases.hpp"
#include "sinks/state/statistics_store.hpp"
#include "sinks/state/verification_store.hpp"
#include "sinks/state/work_queue.hpp"

namespace glia {

/// A destination with its state. The stores live as long as the sink. Each call that writes to a store is one
/// transaction; only ErasureStore::erase_part() may use several.
class Sink {
  public:
    virtual ~Sink() = default;

    /// Brings the schema to this program's version. Returns the version. Throws `schema` if it is newer.
    virtual int migrate() = 0;
    /// Throws `schema` unless the schema is exactly this program's.
    virtual void require_schema() = 0;

    /// Writes a batch and, with it, the checkpoint; all or nothing. Throws `lease_lost` if the fence refuses.
    virtual CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) = 0;
    /// Commits several batches in one transaction, all or nothing, and returns their counts in order. The
    /// result is the same as committing them one after the other. A sink that cannot do this returns an empty
    /// list and writes nothing.
    virtual std::vector<CommitCounts> commit_together(const std::vector<CheckpointedBatch>&) { return {}; }

    virtual SiteLeases& site_leases() = 0;
    virtual BackfillStore& backfills() = 0;
    virtual WorkQueue& work_queue() = 0;
    virtual EnrichmentStore& enrichments() = 0;
    virtual DirectoryStore& directory() = 0;
    virtual StatisticsStore& statistics() = 0;
    virtual ErasureStore& erasures() = 0;
    virtual RejectStore& rejects() = 0;
    virtual InstanceStore& instances() = 0;
    virtual ReportStore& reports() = 0;
    /// Null if the sink's records cannot be read back and compared.
    virtual VerificationStore* verifications() { return nullptr; }
};

using SinkFactory = std::function<std::unique_ptr<Sink>()>;

}  // namespace glia
