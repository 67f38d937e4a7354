#include "daemon/cli/api_bootstrap.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "daemon/base/log.hpp"
#include "daemon/cli/bootstrap.hpp"

namespace glia::cli {
namespace {

// Short, because no transaction has to end.
constexpr std::chrono::milliseconds kReadGrace{1000};

}  // namespace

int run_with_api(const std::string& config, const Settings& settings,
                 const std::function<Task<int>(Runtime&, EngagementsApi&)>& work) {
    Runtime runtime;
    CancellationScope scope(runtime);
    Metrics metrics;
    std::unique_ptr<EngagementsApi> api;
    try {
        api = std::make_unique<EngagementsApi>(scope, settings, metrics);
    } catch (const std::runtime_error& error) {
        throw ConfigError({config + ": " + error.what()});
    }
    return run_loop(runtime, [&]() -> Task<int> { co_return co_await work(runtime, *api); }, kReadGrace);
}

int with_api(const std::string& config,
             const std::function<Task<int>(EngagementsApi&, const Settings&)>& work) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        log::start({std::max(settings.log.level, LogLevel::warning), settings.log.format, {}});
        const auto run = [&](Runtime&, EngagementsApi& api) -> Task<int> {
            co_return co_await work(api, settings);
        };
        return run_with_api(config, settings, run);
    });
}

}  // namespace glia::cli
