#include "daemon/cli/bootstrap.hpp"

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
#include "daemon/sync/directory.hpp"
#include "daemon/sync/service.hpp"
#include "sinks/ndjson/line_writer.hpp"

namespace glia::cli {
namespace {

// A restart of PostgreSQL takes seconds. The retries of a call take about a minute.
constexpr int kSinkRetries = 12;
// Time after SIGTERM for running transactions; a longer one rolls back. HTTP exchanges are cut at once.
constexpr std::chrono::milliseconds kGrace{5000};
constexpr int kInternalError = 70;

/// Migrates or checks the schema, applies changed privacy levels to stored data, and loads the offset of the
/// API server's clock and the sites' names. Throws SinkError.
Task<> prepare(Instance& instance) {
    const bool migrate = instance.settings.postgres.migrate_auto;
    const auto bring_schema = [migrate](Sink& sink) {
        migrate ? static_cast<void>(sink.migrate()) : sink.require_schema();
    };
    co_await instance.sink_pool.run(bring_schema);
    const Privacy privacy(instance.settings.privacy.levels, {});
    const ForbiddenExamples forbidden = privacy.forbidden_examples();
    const OperatorPrivacy operators = privacy.operator_privacy();
    if (forbidden.any() || operators.any()) {
        const auto erase = [forbidden, operators](Sink& sink) {
            if (forbidden.any()) sink.erasures().erase_examples(forbidden);
            if (operators.any()) sink.erasures().erase_operator_data(operators);
        };
        co_await instance.sink_pool.run(erase);
    }
    co_await load_server_clock(instance);
    co_await load_site_names(instance);
}

/// Saves the offset of the API server's clock. A failure is only logged.
Task<> save_clock(Instance& instance) {
    try {
        co_await save_server_clock(instance);
    } catch (const SinkError& error) {
        log::debug(LogTopic::service, "the server's clock was not saved", {{"error", error.what()}});
    }
}

Task<int> prepare_and_work(Instance& instance, const std::function<Task<int>(Instance&)>& work) {
    std::optional<SinkError> failure;
    try {
        co_await prepare(instance);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    if (failure) {
        complain(failure->what());
        co_return exit_code(instance.exit_status_of(*failure).reason);
    }
    const int code = co_await work(instance);
    co_await instance.background.wait();
    co_await save_clock(instance);
    co_return code;
}

std::unique_ptr<Instance> make_instance(Runtime& runtime, const std::string& config, Settings settings,
                                        int threads, Metrics& metrics) {
    if (settings.sink == SinkType::postgres) {
        // Reads the DSN's file once, so that all connections of the instance use the same DSN even if the
        // file changes.
        settings.postgres.dsn = resolve_dsn(settings.postgres);
        settings.postgres.dsn_file.clear();
    }
    const auto open = [settings] { return open_sink(settings); };
    try {
        return std::make_unique<Instance>(runtime, std::move(settings), open, threads, kSinkRetries, metrics);
    } catch (const std::runtime_error& error) {
        throw ConfigError({config + ": " + error.what()});
    }
}

/// Prints an exception, one line for each error in it, and returns its exit code.
int report(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const ConfigError& error) {
        for (const auto& line : error.lines()) complain(line);
        return exit_code(ExitReason::misconfigured);
    } catch (const SinkError& error) {
        complain(error.what());
        return exit_code(exit_reason_of(error));
    } catch (const OutputLost& error) {
        complain(std::string(error.what()) + "; the next run writes the missing lines");
        return kOutputLost;
    } catch (const std::exception& error) {
        complain(std::string("internal error: ") + error.what() + "; please report it");
    } catch (...) {
        complain("internal error: an exception of an unknown kind; please report it");
    }
    return kInternalError;
}

/// Exits at once if the loop did not end cleanly: waiting for the rest would delay the error message, or
/// hang.
void exit_if_unfinished(const LoopEnd& end) {
    if (end.failure) exit_now(report(end.failure));
    if (!end.finished) {
        // A transaction did not end in time. Exiting now is as safe as a crash: the transaction rolls back.
        complain("stopped while something was still under way; run it again to continue");
        exit_now(end.code);
    }
    if (HttpClient::lookups_under_way()) exit_now(end.code);  // only a name lookup is still running
}

/// Logs that a file with personal data was readable by others.
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

/// The service across reloads of its configuration.
class Service {
  public:
    Service(Runtime& runtime, std::string config, Settings settings)
        : runtime_(runtime),
          config_(std::move(config)),
          instance_(make_instance(runtime, config_, std::move(settings), kServiceConnections, metrics_)),
          program_(runtime),
          coroutines_(runtime),
          admin_(runtime, metrics_) {
        program_.on_cancel([] { systemd::stopping(); });
        runtime.on_reload([this] {
            reload_requested_ = true;
            if (reloading_) return;  // the running reload checks `reload_requested_` at its end
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
        runtime_.stop();  // ends the other coroutines
        admin_.close();
        co_await coroutines_.wait();
        co_await admin_.idle();
        co_return code;
    }

  private:
    // While one writer waits for a long commit, the others serve the remaining calls.
    static constexpr int kServiceConnections = 3;
    // The server cancels a statement after a minute. A writer that is silent for longer hangs.
    static constexpr std::chrono::seconds kStuck{90};
    static constexpr std::chrono::seconds kSuperviseEvery{5};
    // The service reports readiness to systemd after this time even if the database is unavailable.
    static constexpr std::chrono::seconds kReadyAfter{10};
    // Statement timeout for the status page, which must not wait long.
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
                co_await run_service(*instance_);
                serving_ = false;
            } else if (!instance_->scope.cancelled()) {
                complain(failure->what());
                co_return exit_code(exit_reason_of(*failure));
            }
            co_await instance_->background.wait();
            if (runtime_.stopping()) {
                co_await save_clock(*instance_);
                co_return exit_code(ExitReason::done);
            }
            next_->api.inherit(instance_->api);
            std::swap(instance_, next_);
            show();
            next_.reset();
            log::info(LogTopic::service, "the new configuration is in effect", {{"file", config_}});
        }
    }

    void show() {
        const Settings& settings = instance_->settings;
        admin_.show(*instance_, [settings] { return open_sink(settings, kStatusTimeout); });
    }

    /// Reports readiness to systemd, at the start and after a reload.
    void announce() {
        systemd::ready(shown_ = status());
        ready_ = true;
    }

    std::string status() const {
        if (!serving_) return waiting_;
        std::string line = instance_->health.summary(instance_->settings.api.sites.size());
        if (!refused_.empty())
            line += "; the new configuration is refused, the old one stays in effect: " + refused_;
        return line;
    }

    /// Notifies systemd of the service's state, and that the loop and the writers make progress.
    Task<> supervise() {
        const auto watchdog = systemd::watchdog();
        std::chrono::milliseconds every = kSuperviseEvery;
        if (watchdog)
            every = std::min(every, std::chrono::duration_cast<std::chrono::milliseconds>(*watchdog / 3));
        const auto began = std::chrono::steady_clock::now();
        bool stuck = false;
        do {
            if (!ready_ && std::chrono::steady_clock::now() - began >= kReadyAfter) announce();
            if (ready_ && !reloading_ && status() != shown_) systemd::status(shown_ = status());
            // Only a migration, before the service serves, may take longer.
            const bool silent = serving_ && instance_->sink_pool.longest_silence() >= kStuck;
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
                co_await prepare(*instance_);
            } catch (const SinkError& error) {
                failure.emplace(error);
            }
            if (!failure) co_return;
            if (failure->kind() != SinkError::Kind::unavailable || instance_->scope.cancelled())
                throw SinkError(*failure);
            const bool database = instance_->settings.sink == SinkType::postgres;
            const std::string waiting = database ? "waiting for the database" : "waiting for the state file";
            waiting_ = waiting + ": " + failure->what();
            log::error(LogTopic::service, waiting, {{"error", failure->what()}});
        }
    }

    Task<> reload() {
        while (reload_requested_ && !runtime_.stopping()) {
            reload_requested_ = false;
            systemd::reloading();
            co_await reload_once();
        }
        reloading_ = false;
        coroutines_.remove();
    }

    Task<> reload_once() {
        std::vector<std::string> wrong;
        std::unique_ptr<Instance> fresh;
        try {
            const Settings settings = load_settings(config_);
            fresh = make_instance(runtime_, config_, settings, kServiceConnections, metrics_);
            co_await prepare(*fresh);
        } catch (const ConfigError& error) {
            wrong = error.lines();
        } catch (const std::exception& error) {  // SinkError, or another error of the configuration
            wrong = {error.what()};
        }
        if (!wrong.empty()) {
            for (const std::string& line : wrong) {
                log::error(LogTopic::service, "the new configuration is refused, the old one stays in effect",
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
        instance_->scope.cancel();
    }

    Runtime& runtime_;
    Metrics metrics_;
    std::string config_;
    std::unique_ptr<Instance> instance_;
    std::unique_ptr<Instance> next_;
    CancellationScope program_;
    WaitGroup coroutines_;  // supervision, and reading the configuration again
    Admin admin_;
    std::string waiting_ = "waiting for the database";
    std::string refused_;  // why the last configuration was refused; empty if it was accepted
    std::string shown_;    // the status line that systemd shows
    bool ready_ = false;
    bool serving_ = false;
    bool reload_requested_ = false;
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
    sink.on_statement = &SinkPool::mark_progress;
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
    return runtime.run(main, grace, exit_if_unfinished);
}

int with_instance(const std::string& config, int threads, const std::function<Task<int>(Instance&)>& work,
                  const std::function<void(Settings&)>& adjust) {
    return guarded([&] {
        Settings settings = load_settings(config);
        if (adjust) adjust(settings);
        log::start(settings.log);
        Runtime runtime;
        Metrics metrics;
        const auto instance = make_instance(runtime, config, std::move(settings), threads, metrics);
        return run_loop(runtime, [&] { return prepare_and_work(*instance, work); }, kGrace);
    });
}

int serve(const std::string& config) {
    return guarded([&] {
        Settings settings = load_settings(config);
        log::start(settings.log);
        Runtime runtime;
        Service service(runtime, config, std::move(settings));
        return run_loop(runtime, [&] { return service.run(); }, kGrace);
    });
}

}  // namespace glia::cli
