#include "daemon/cli/session.hpp"

#include <cstdio>
#include <iostream>

#include "daemon/admin/admin.hpp"
#include "daemon/api/http.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/base/systemd.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/sync/service.hpp"
#include "sinks/ndjson/line_writer.hpp"

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
    const ForbiddenExamples forbidden = Privacy(engine.settings.privacy.levels, {}).forbidden_examples();
    if (forbidden.any()) {
        const auto erase = [forbidden](Sink& sink) { sink.erasures().erase_examples(forbidden); };
        co_await engine.store.run(erase);
    }
    co_await load_server_clock(engine);
}

/// Nothing is lost if it fails.
Task<> save_clock(Engine& engine) {
    try {
        co_await save_server_clock(engine);
    } catch (const SinkError& error) {
        log::debug(LogTopic::service, "the server's clock was not saved", {{"error", error.what()}});
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
                                    int threads, Metrics& metrics) {
    if (settings.sink == SinkType::postgres) {
        // What the file said when the engine began holds for all its connections, whatever becomes of the
        // file.
        settings.postgres.dsn = resolve_dsn(settings.postgres);
        settings.postgres.dsn_file.clear();
    }
    const auto open = [settings] { return open_sink(settings); };
    try {
        return std::make_unique<Engine>(runtime, std::move(settings), open, threads, kSinkRetries, metrics);
    } catch (const std::runtime_error& error) {
        throw ConfigError({config + ": " + error.what()});
    }
}

/// Tells of an exception, one line for each thing that is wrong, and returns the exit code for it.
int report(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const ConfigError& error) {
        for (const auto& line : error.lines()) complain(line);
        return exit_code(Ending::misconfigured);
    } catch (const SinkError& error) {
        complain(error.what());
        return exit_code(ending_of(error));
    } catch (const OutputLost& error) {
        complain(std::string(error.what()) + "; lines that did not get through come with the next run");
        return kOutputLost;
    } catch (const std::exception& error) {
        complain(std::string("internal error: ") + error.what() + "; please report it");
    } catch (...) {
        complain("internal error: an exception of an unknown kind; please report it");
    }
    return kInternalError;
}

/// Waiting for what is left at the end of a loop would delay what there is to tell, or hang.
void leave_if_unfinished(const LoopEnd& end) {
    if (end.failure) leave(report(end.failure));
    if (!end.finished) {
        // A transaction did not end in time. Leaving now is what a crash would be: safe.
        complain("stopped while something was still under way; run it again to go on");
        leave(end.code);
    }
    if (HttpClient::lookups_under_way())
        leave(end.code);  // only a thread of the system's resolver is not done
}

/// A file with personal data that others could read.
void log_tightened(const std::string& path, mode_t before, mode_t now) {
    char modes[32];
    std::snprintf(modes, sizeof modes, "%04o", static_cast<unsigned>(before));
    if (before == now) {
        log::warn(LogTopic::service, "others may read this file, and its mode cannot be changed",
                  {{"file", path}, {"mode", modes}});
        return;
    }
    const std::string was = modes;
    std::snprintf(modes, sizeof modes, "%04o", static_cast<unsigned>(now));
    log::warn(LogTopic::service, "others could read this file, its mode is changed",
              {{"file", path}, {"was", was}, {"mode", modes}});
}

/// The service over its configurations.
class Service {
  public:
    Service(Runtime& runtime, std::string config, Settings settings)
        : runtime_(runtime),
          config_(std::move(config)),
          engine_(make_engine(runtime, config_, std::move(settings), kServiceConnections, metrics_)),
          program_(runtime),
          coroutines_(runtime),
          admin_(runtime, metrics_) {
        program_.on_end([] { systemd::stopping(); });
        runtime.on_reload([this] {
            again_ = true;
            if (reloading_) return;  // the one under way looks again when it is through
            reloading_ = true;
            coroutines_.add();
            runtime_.spawn(reload());
        });
    }

    Task<int> run() {
        coroutines_.add();
        runtime_.spawn(supervise());
        show();
        const int code = co_await serve();
        runtime_.stop();  // for what runs beside it
        admin_.close();
        co_await coroutines_.wait();
        co_await admin_.idle();
        co_return code;
    }

  private:
    // Two writers keep one connection free while the other waits for a long commit.
    static constexpr int kServiceConnections = 3;
    // The server ends a statement after a minute; a writer that is silent for longer will not come back by
    // itself.
    static constexpr std::chrono::seconds kStuck{90};
    static constexpr std::chrono::seconds kSuperviseEvery{5};
    // systemd waits for readiness; a database that is away is no reason to make it wait longer.
    static constexpr std::chrono::seconds kReadyAfter{10};
    // Figures of the status page come within moments, or not at all.
    static constexpr std::chrono::milliseconds kStatusTimeout{5000};

    Task<int> serve() {
        for (;;) {
            std::optional<SinkError> failure;
            try {
                co_await begin();
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (!failure) {
                serving_ = true;
                announce();
                co_await run_service(*engine_);
                serving_ = false;
            } else if (!engine_->scope.ending()) {
                complain(failure->what());
                co_return exit_code(ending_of(*failure));
            }
            co_await engine_->background.wait();
            if (runtime_.stopping()) {
                co_await save_clock(*engine_);
                co_return exit_code(Ending::done);
            }
            next_->api.take_over(engine_->api);
            std::swap(engine_, next_);
            show();
            next_.reset();
            log::info(LogTopic::service, "the new configuration is in effect", {{"file", config_}});
        }
    }

    void show() {
        const Settings& settings = engine_->settings;
        admin_.show(*engine_, [settings] { return open_sink(settings, kStatusTimeout); });
    }

    /// The service is up, or again up after reading its configuration.
    void announce() {
        systemd::ready(told_ = status());
        ready_ = true;
    }

    std::string status() const {
        if (!serving_) return waiting_;
        std::string line = engine_->health.summary(engine_->settings.api.sites.size());
        if (!refused_.empty()) line += "; the new configuration is refused, the old one goes on: " + refused_;
        return line;
    }

    /// Tells systemd how the service fares, and that the loop and the writers make progress.
    Task<> supervise() {
        const auto watchdog = systemd::watchdog();
        std::chrono::milliseconds every = kSuperviseEvery;
        if (watchdog)
            every = std::min(every, std::chrono::duration_cast<std::chrono::milliseconds>(*watchdog / 3));
        const auto began = std::chrono::steady_clock::now();
        bool stuck = false;
        do {
            if (!ready_ && std::chrono::steady_clock::now() - began >= kReadyAfter) announce();
            if (ready_ && !reloading_ && status() != told_) systemd::status(told_ = status());
            // A migration may take its time; nothing else may.
            const bool silent = serving_ && engine_->store.longest_silence() >= kStuck;
            if (!silent) systemd::alive();
            if (silent && !stuck)
                log::error(LogTopic::database,
                           "a statement does not end; the watchdog will restart the service");
            stuck = silent;
        } while (co_await program_.sleep(every));
        coroutines_.remove();
    }

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
            const bool database = engine_->settings.sink == SinkType::postgres;
            const std::string waiting = database ? "waiting for the database" : "waiting for the state file";
            waiting_ = waiting + ": " + failure->what();
            log::error(LogTopic::service, waiting, {{"error", failure->what()}});
        }
    }

    Task<> reload() {
        while (again_ && !runtime_.stopping()) {
            again_ = false;
            systemd::reloading();
            co_await read_again();
        }
        reloading_ = false;
        coroutines_.remove();
    }

    Task<> read_again() {
        std::vector<std::string> wrong;
        std::unique_ptr<Engine> fresh;
        try {
            const Settings settings = load_settings(config_);
            fresh = make_engine(runtime_, config_, settings, kServiceConnections, metrics_);
            co_await prepare(*fresh);
        } catch (const ConfigError& error) {
            wrong = error.lines();
        } catch (const std::exception& error) {  // SinkError, and whatever else a configuration brings about
            wrong = {error.what()};
        }
        if (!wrong.empty()) {
            for (const std::string& line : wrong) {
                log::error(LogTopic::service, "the new configuration is refused, the old one goes on",
                           {{"error", line}});
            }
            metrics_.reloaded(false);
            refused_ = wrong.front();
            announce();
            co_return;
        }
        metrics_.reloaded(true);
        refused_.clear();
        log::start(fresh->settings.log);
        log::info(LogTopic::service, "configuration read again", {{"file", config_}});
        next_ = std::move(fresh);
        engine_->scope.end();
    }

    Runtime& runtime_;
    Metrics metrics_;
    std::string config_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Engine> next_;
    Scope program_;
    Latch coroutines_;  // supervision, and reading the configuration again
    Admin admin_;
    std::string waiting_ = "waiting for the database";
    std::string refused_;  // why the last configuration was
    std::string told_;     // the status line that systemd shows
    bool ready_ = false;
    bool serving_ = false;
    bool again_ = false;
    bool reloading_ = false;
};

}  // namespace

void complain(const std::string& line) {
    std::cerr << "glia-sync: " << printable(line) << std::endl;
}

postgres::Settings sink_settings(const Settings& settings) {
    postgres::Settings sink{resolve_dsn(settings.postgres), settings.postgres.schema};
    sink.enrich = {settings.enrich.transcripts, settings.enrich.recordings};
    return sink;
}

std::unique_ptr<Sink> open_sink(const Settings& settings, std::chrono::milliseconds statement_timeout) {
    if (settings.sink == SinkType::ndjson) {
        const NdjsonSettings& ndjson = settings.ndjson;
        return ndjson::open({ndjson.path, std::int64_t{ndjson.rotate_mb} << 20, ndjson.rotate_every,
                             ndjson.state, log_tightened});
    }
    postgres::Settings sink = sink_settings(settings);
    if (statement_timeout.count() > 0) sink.statement_timeout = statement_timeout;
    sink.on_statement = &Store::mark_progress;
    return postgres::open(sink);
}

int guarded(const std::function<int()>& work) {
    try {
        return work();
    } catch (...) {
        return report(std::current_exception());
    }
}

int run_loop(Runtime& runtime, const std::function<Task<int>()>& main, std::chrono::milliseconds grace) {
    return runtime.run(main, grace, leave_if_unfinished);
}

int with_engine(const std::string& config, int threads, const std::function<Task<int>(Engine&)>& work,
                const std::function<void(Settings&)>& adjust) {
    return guarded([&] {
        Settings settings = load_settings(config);
        if (adjust) adjust(settings);
        log::start(settings.log);
        Runtime runtime;
        Metrics metrics;
        const auto engine = make_engine(runtime, config, std::move(settings), threads, metrics);
        return run_loop(
            runtime, [&] { return prepare_and_work(*engine, work); }, kGrace);
    });
}

int serve(const std::string& config) {
    return guarded([&] {
        Settings settings = load_settings(config);
        log::start(settings.log);
        Runtime runtime;
        Service service(runtime, config, std::move(settings));
        return run_loop(
            runtime, [&] { return service.run(); }, kGrace);
    });
}

}  // namespace glia::cli
