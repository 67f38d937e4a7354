// backfill --dry-run: estimates the requests of a backfill.
#pragma once

#include <string>

#include "daemon/sync/backfill.hpp"

namespace glia::cli {

/// Lists a few windows and prints an estimate of the requests and the duration for the whole range. Writes
/// neither to the database nor to a file. Returns the exit code.
int backfill_dry_run(const std::string& config, const BackfillRequest& request,
                     const std::vector<std::string>& sites, bool with_legs);

}  // namespace glia::cli
