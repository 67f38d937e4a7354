// The state of a destination that is not PostgreSQL: sinks/state/ over a SQLite file. Each store refers to
// the file, which must outlive it.
#pragma once

#include <memory>

#include "sinks/sink.hpp"
#include "sinks/sqlite/state_file.hpp"

namespace glia::sqlite {

std::unique_ptr<SiteLeases> make_site_leases(StateFile& file);
std::unique_ptr<BackfillStore> make_backfill_store(StateFile& file);
std::unique_ptr<WorkQueue> make_work_queue(StateFile& file);
std::unique_ptr<DirectoryStore> make_directory_store(StateFile& file);
std::unique_ptr<ErasureStore> make_erasure_store(StateFile& file);
std::unique_ptr<RejectStore> make_reject_store(StateFile& file);
std::unique_ptr<InstanceStore> make_instance_store(StateFile& file);
std::unique_ptr<ReportStore> make_report_store(StateFile& file);

}  // namespace glia::sqlite
