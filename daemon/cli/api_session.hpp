// What commands begin with that need the API and no database.
#pragma once

#include <functional>
#include <string>

#include "daemon/api/engagements_api.hpp"
#include "daemon/config/settings.hpp"

namespace glia::cli {

/// Runs `work` with the API alone, without a database, and returns its exit code. Warnings are logged to
/// standard error.
int with_api(const std::string& config,
             const std::function<Task<int>(EngagementsApi&, const Settings&)>& work);

}  // namespace glia::cli
