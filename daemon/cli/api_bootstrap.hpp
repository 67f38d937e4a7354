// The start of commands that need the API but no database.
#pragma once

#include <functional>
#include <string>

#include "daemon/api/engagements_api.hpp"
#include "daemon/config/settings.hpp"

namespace glia::cli {

/// Runs `work` with a client of `settings` and returns its exit code. Throws ConfigError, which names the
/// file, if the client cannot be created: a file with a token, a key or certificates cannot be read.
int run_with_api(const std::string& config, const Settings& settings,
                 const std::function<Task<int>(Runtime&, EngagementsApi&)>& work);

/// Runs `work` with the API alone, without a database, and returns its exit code. Logs only warnings and
/// errors.
int with_api(const std::string& config,
             const std::function<Task<int>(EngagementsApi&, const Settings&)>& work);

}  // namespace glia::cli
