// The state half of the PostgreSQL sink: sinks/state/ over one connection, which must outlive the stores.
// Records are written over the same connection, so that one transaction contains both.
#pragma once

#include <memory>

#include "sinks/postgres/connection.hpp"
#include "sinks/sink.hpp"

namespace glia::postgres {

std::unique_ptr<SiteLeases> make_site_leases(Connection& connection);
std::unique_ptr<BackfillStore> make_backfill_store(Connection& connection);
std::unique_ptr<WorkQueue> make_work_queue(Connection& connection);
std::unique_ptr<EnrichmentStore> make_enrichment_store(Connection& connection);
std::unique_ptr<ErasureStore> make_erasure_store(Connection& connection);
std::unique_ptr<RejectStore> make_reject_store(Connection& connection);
std::unique_ptr<InstanceStore> make_instance_store(Connection& connection);
std::unique_ptr<DirectoryStore> make_directory_store(Connection& connection);
std::unique_ptr<StatisticsStore> make_statistics_store(Connection& connection);
std::unique_ptr<ReportStore> make_report_store(Connection& connection);
std::unique_ptr<VerificationStore> make_verification_store(Connection& connection);

}  // namespace glia::postgres
