#include "daemon/cli/session.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "daemon/api/http.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/ops/log.hpp"
#include "daemon/sync/service.hpp"

namespace glia::cli {
namespace {

// A restart of PostgreSQL takes seconds; after about a minute and a half of trying, the call is given up.
constexpr int kSinkRetries = 12;
// Exchanges end at once on SIGTERM, so what is left is a transaction; one that takes longer rolls back by
// itself.
constexpr std::chrono::milliseconds kGrace{5000};
constexpr int kInternalError = 70;

/// The schema, and what is known of the server's clock. Throws SinkError.
Task<> prepare(Engine& engine) {
    const bool migrate = engine.settings.postgres.migrate_auto;
    const auto bring_schema = [migrate](Sink& sink) {
        migrate ? static_cast<void>(sink.migrate()) : sink.require_schema();
    };
    co_await engine.store.run(bring_schema);
    co_await load_server_clock(engine);
}

/// Nothing is lost if it fails.
Task<> save_clock(Engine& engine) {
    try {
        co_await save_server_clock(engine);
    } catch (const SinkError& error) {
        log::debug("the server's clock was not saved", {{"error", error.what()}});
    }
}

Task<int> prepare_and_work(Engine& engine, const std::function<Task<int>(Engine&)>& work) {
    std::optional<SinkError> failure;
    try {
        co_await prepare(engine);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        complain(failure->what());
        co_return exit_code(engine.outcome_of(*failure).ending);
    }
    const int code = co_await work(engine);
    co_await engine.background.wait();
    co_await save_clock(engine);
    co_return code;
}

std::unique_ptr<Engine> make_engine(Runtime& runtime, const std::string& config, Settings settings,
                                    int threads, int retries) {
    const postgres::Settings sink = sink_settings(settings);
    const auto open = [sink] { return postgres::open(sink); };
    try {
        return std::make_unique<Engine>(runtime, std::move(settings), open, threads, retries);
    } catch (const std::runtime_error& error) {
        throw ConfigError({config + ": " + error.what()});
    }
}

/// Runs `main` on the loop and leaves the process if it does not end in time.
int run_to_the_end(Runtime& runtime, const std::function<Task<int>()>& main) {
    bool finished = false;
    const int code = runtime.run(
        [&]() -> Task<int> {
            const int result = co_await main();
            finished = true;
            co_return result;
        },
        kGrace);
    if (finished && HttpClient::lookups_under_way()) {
        std::fflush(nullptr);
        _exit(code);  // all work is done; only a thread of the system's resolver is not
    }
    if (!finished) {
        // A transaction did not end in time. Leaving now is what a crash would be: safe.
        complain("stopped while something was still under way; run it again to go on");
        std::fflush(nullptr);
        _exit(code);
    }
    return code;
}

/// The service over its configurations.
class Service {
  public:
    Service(Runtime& runtime, std::string config, Settings settings)
        : runtime_(runtime),
          config_(std::move(config)),
          engine_(make_engine(runtime, config_, std::move(settings), kServiceConnections, kSinkRetries)),
          reloads_(runtime) {
        runtime.on_reload([this] {
            again_ = true;
            if (reloading_) return;  // the one under way looks again when it is through
            reloading_ = true;
            reloads_.add();
            runtime_.spawn(reload());
        });
    }

    Task<int> run() {
        for (;;) {
            std::optional<SinkError> failure;
            try {
                co_await begin();
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (!failure) {
                co_await run_service(*engine_);
            } else if (!engine_->scope.ending()) {
                complain(failure->what());
                co_return exit_code(ending_of(*failure));
            }
            co_await engine_->background.wait();
            if (runtime_.stopping()) {
                co_await reloads_.wait();
                co_await save_clock(*engine_);
                co_return exit_code(Ending::done);
            }
            engine_ = std::move(next_);
            log::info("the new configuration is in effect", {{"file", config_}});
        }
    }

  private:
    // Two writers keep one connection free while the other waits for a long commit.
    static constexpr int kServiceConnections = 3;

    /// A service that starts before its database waits for it.
    Task<> begin() {
        for (;;) {
            std::optional<SinkError> failure;
            try {
                co_await prepare(*engine_);
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (!failure) co_return;
            if (failure->kind() != SinkError::Kind::unavailable || engine_->scope.ending())
                throw SinkError(*failure);
            log::error("waiting for the database", {{"error", failure->what()}});
        }
    }

    Task<> reload() {
        while (again_ && !runtime_.stopping()) {
            again_ = false;
            co_await read_again();
        }
        reloading_ = false;
        reloads_.remove();
    }

    Task<> read_again() {
        std::vector<std::string> wrong;
        std::unique_ptr<Engine> fresh;
        try {
            const Settings settings = load_settings(config_);
            fresh = make_engine(runtime_, config_, settings, kServiceConnections, kSinkRetries);
            co_await prepare(*fresh);
        } catch (const ConfigError& error) {
            wrong = error.lines();
        } catch (const SinkError& error) {
            wrong = {error.what()};
        }
        if (!wrong.empty()) {
            for (const std::string& line : wrong) {
                log::error("the new configuration is refused, the old one goes on", {{"error", line}});
            }
            co_return;
        }
        log::start(fresh->settings.log_level, fresh->settings.log_format);
        log::info("configuration read again", {{"file", config_}});
        next_ = std::move(fresh);
        engine_->scope.end();
    }

    Runtime& runtime_;
    std::string config_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Engine> next_;
    Latch reloads_;
    bool again_ = false;
    bool reloading_ = false;
};

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
        Runtime runtime;
        const auto engine = make_engine(runtime, config, std::move(settings), threads, kSinkRetries);
        return run_to_the_end(runtime, [&] { return prepare_and_work(*engine, work); });
    });
}

int serve(const std::string& config) {
    return guarded([&] {
        Settings settings = load_settings(config);
        log::start(settings.log_level, settings.log_format);
        Runtime runtime;
        Service service(runtime, config, std::move(settings));
        return run_to_the_end(runtime, [&] { return service.run(); });
    });
}

}  // namespace glia::cli
