#include "daemon/cli/session.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "daemon/cli/commands.hpp"
#include "daemon/ops/log.hpp"
#include "daemon/ops/owner.hpp"

namespace glia::cli {
namespace {

// A restart of PostgreSQL takes seconds; after about a minute and a half of trying, the call is given up.
constexpr int kSinkRetries = 12;
// Exchanges end at once on SIGTERM, so what is left is a transaction; one that takes longer rolls back by
// itself.
constexpr std::chrono::milliseconds kGrace{5000};
constexpr int kInternalError = 70;

Task<int> prepare_and_work(Engine& engine, const std::function<Task<int>(Engine&)>& work) {
    std::optional<SinkError> failure;
    try {
        const bool migrate = engine.settings.postgres.migrate_auto;
        const auto prepare = [migrate](Sink& sink) {
            migrate ? static_cast<void>(sink.migrate()) : sink.require_schema();
        };
        co_await engine.store.run(prepare);
        co_await load_server_clock(engine);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        complain(failure->what());
        co_return engine.runtime.stopping() ? exit_code(Ending::stopped) : exit_code(ending_of(*failure));
    }
    const int code = co_await work(engine);
    try {
        co_await save_server_clock(engine);
    } catch (const SinkError& error) {
        log::debug("the server's clock was not saved", {{"error", error.what()}});
    }
    co_return code;
}

}  // namespace

void complain(const std::string& line) {
    std::cerr << "glia-sync: " << line << std::endl;
}

postgres::Settings sink_settings(const Settings& settings) {
    return {resolve_dsn(settings.postgres), settings.postgres.schema};
}

int guarded(const std::function<int()>& work) {
    try {
        return work();
    } catch (const ConfigError& error) {
        for (const auto& line : error.lines()) complain(line);
        return exit_code(Ending::misconfigured);
    } catch (const SinkError& error) {
        complain(error.what());
        return exit_code(ending_of(error));
    } catch (const std::exception& error) {
        complain(std::string("internal error: ") + error.what() + "; please report it");
        return kInternalError;
    }
}

int with_engine(const std::string& config, int threads, const std::function<Task<int>(Engine&)>& work,
                const std::function<void(Settings&)>& adjust) {
    return guarded([&] {
        Settings settings = load_settings(config);
        if (adjust) adjust(settings);
        log::start(settings.log_level, settings.log_format);
        const postgres::Settings sink = sink_settings(settings);
        Runtime runtime;
        std::unique_ptr<EngagementsApi> api;
        try {
            api = std::make_unique<EngagementsApi>(runtime, settings);
        } catch (const std::runtime_error& error) {
            throw ConfigError({config + ": " + error.what()});
        }
        Store store(
            runtime, [sink] { return postgres::open(sink); }, threads, kSinkRetries);
        Engine engine{runtime, settings, *api, store, this_owner(), Signal(runtime)};
        bool finished = false;
        const int code = runtime.run(
            [&]() -> Task<int> {
                const int result = co_await prepare_and_work(engine, work);
                finished = true;
                co_return result;
            },
            kGrace);
        if (!finished) {
            // A transaction or a name lookup did not end in time. Leaving now is what a crash would be: safe.
            complain("stopped while something was still under way; run it again to go on");
            std::fflush(nullptr);
            _exit(code);
        }
        return code;
    });
}

}  // namespace glia::cli
