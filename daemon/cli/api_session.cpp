#include "daemon/cli/api_session.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "daemon/base/log.hpp"
#include "daemon/cli/session.hpp"

namespace glia::cli {
namespace {

// Without a transaction there is nothing to wait for but the responses.
constexpr std::chrono::milliseconds kReadGrace{1000};

}  // namespace

int with_api(const std::string& config,
             const std::function<Task<int>(EngagementsApi&, const Settings&)>& work) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        log::start({std::max(settings.log.level, LogLevel::warning), settings.log.format, {}});
        Runtime runtime;
        Scope scope(runtime);
        Metrics metrics;
        std::unique_ptr<EngagementsApi> api;
        try {
            api = std::make_unique<EngagementsApi>(scope, settings, metrics);
        } catch (const std::runtime_error& error) {
            throw ConfigError({config + ": " + error.what()});
        }
        return run_loop(
            runtime, [&]() -> Task<int> { co_return co_await work(*api, settings); }, kReadGrace);
    });
}

}  // namespace glia::cli
