#include "daemon/admin/admin.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <stdexcept>

#include "daemon/admin/host_policy.hpp"
#include "daemon/admin/http_server.hpp"
#include "daemon/admin/page_assets.hpp"
#include "daemon/admin/readiness.hpp"
#include "daemon/admin/status_json.hpp"
#include "daemon/admin/status_page.hpp"
#include "daemon/base/log.hpp"

namespace glia {
namespace {

using Clock = std::chrono::steady_clock;

// Maximum ages of what was read from the database. A request waits at most kWaitAtMost for newer data.
constexpr std::chrono::seconds kFreshFor{2};
constexpr std::chrono::seconds kHistoryFreshFor{10};
// The volume changes once an hour, and its query is expensive: 15 ms per site, because it compares each hour
// with eight others.
constexpr std::chrono::seconds kVolumeFreshFor{60};
constexpr std::chrono::milliseconds kWaitAtMost{2500};
// Pause between attempts to bind the address.
constexpr std::chrono::seconds kListenAgain{10};

Instant now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// Returns the Content-Security-Policy source that allows an inline script or style with this text.
std::string hash_source(const std::string& text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> encoded{};
    EVP_EncodeBlock(encoded.data(), hash.data(), static_cast<int>(hash.size()));
    return "'sha256-" + std::string(reinterpret_cast<const char*>(encoded.data())) + "'";
}

/// Allows nothing from other origins, and no inline script or style except those of this program.
const std::string& content_policy() {
    static const std::string policy = "default-src 'none'; connect-src 'self'; img-src data:; style-src " +
                                      hash_source(kPageCss) + "; script-src " + hash_source(kPageJs) +
                                      "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    return policy;
}

}  // namespace

struct Admin::Impl : std::enable_shared_from_this<Admin::Impl> {
    Impl(Runtime& loop, Metrics& measured)
        : runtime(loop), metrics(measured), scope(loop), refreshed(loop), coroutines(loop) {}

    Runtime& runtime;
    Metrics& metrics;
    CancellationScope scope;  // cancelled when the program stops: no queries after that
    Instance* instance = nullptr;
    SinkFactory sinks;
    bool sinks_are_new = false;
    std::unique_ptr<SinkPool> sink_pool;
    std::unique_ptr<HttpServer> server;
    std::optional<ListenAddress> address;
    bool listening = false;
    bool trying = false;
    bool closed = false;

    bool refreshing = false;
    bool with_history = false;
    AsyncCondition refreshed;
    WaitGroup coroutines;
    bool database_up = false;
    StatusReport report;
    Clock::time_point report_at{};
    History history;
    Clock::time_point history_at{};
    std::map<std::string, std::vector<VolumeDay>> volume_days;
    std::optional<Clock::time_point> volume_at;  // none: not read yet

    /// True if the last read succeeded and the report is fresh, and also the history if `history_too`.
    bool fresh(bool history_too) const {
        const auto at = Clock::now();
        return database_up && at - report_at < kFreshFor &&
               (!history_too || at - history_at < kHistoryFreshFor);
    }

    bool volume_fresh() const { return volume_at && Clock::now() - *volume_at < kVolumeFreshFor; }

    static Task<> refresh_volume(Impl& self, std::optional<SinkError>& failure) {
        const std::vector<std::string> sites = self.instance->settings.api.sites;
        try {
            const auto ask = [sites](Sink& sink) { return sink.reports().volume_days(sites, kVolumeDays); };
            auto days = co_await self.sink_pool->run(ask);
            if (self.sinks_are_new) co_return;
            self.volume_days = std::move(days);
            self.volume_at = Clock::now();
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
    }

    /// Reads the report, and the history and the volume if `with_history`. One at a time (`refreshing`).
    /// Begins again if a reload has changed the sinks meanwhile.
    static Task<> refresh(std::shared_ptr<Impl> self) {
        std::optional<SinkError> failure;
        do {
            if (self->sinks_are_new) {
                self->sink_pool = std::make_unique<SinkPool>(self->scope, self->sinks, 1, 0, self->metrics);
                self->sinks_are_new = false;
            }
            failure.reset();
            co_await read(*self, self->with_history, failure);
        } while (self->sinks_are_new && !self->closed && !self->scope.cancelled());
        if (failure)
            log::debug(LogTopic::admin, "reading the state from the database failed",
                       {{"error", failure->what()}});
        self->refreshing = false;
        self->refreshed.notify();
        self->coroutines.remove();
    }

    static Task<> read(Impl& self, bool history_too, std::optional<SinkError>& failure) {
        try {
            const auto ask = [history_too](Sink& sink) {
                StatusReport now_reported = sink.reports().status();
                return std::make_pair(std::move(now_reported),
                                      history_too ? sink.reports().history(kRunsRead) : History{});
            };
            auto result = co_await self.sink_pool->run(ask);
            if (self.sinks_are_new) co_return;
            self.report = std::move(result.first);
            self.report_at = Clock::now();
            if (history_too) {
                self.history = std::move(result.second);
                self.history_at = Clock::now();
            }
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        self.database_up = !failure;
        if (!failure && history_too && !self.volume_fresh()) {
            self.refreshed.notify();  // the volume takes longer: do not let requests wait for it
            co_await refresh_volume(self, failure);
        }
    }

    /// Reads the database unless fresh() is true already, and waits at most kWaitAtMost for the result.
    /// Concurrent requests share one read. Returns true if the data is fresh.
    Task<bool> renew(bool history_too) {
        if (fresh(history_too)) co_return true;
        const auto until = Clock::now() + kWaitAtMost;
        while (!closed && !scope.cancelled()) {
            if (!refreshing) {
                refreshing = true;
                with_history = history_too;
                coroutines.add();
                runtime.spawn(refresh(shared_from_this()));
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
            if (left.count() <= 0) break;
            const auto asked = report_at;
            co_await refreshed.wait_for(left);
            if (fresh(history_too)) co_return true;
            // Gives up if the read failed or brought no newer report. Otherwise the read still runs, or did
            // not include the history.
            if (!refreshing && !database_up) break;
            if (!refreshing && report_at == asked) break;
        }
        co_return false;
    }

    /// Collects the input of the page and of /status.json. Waits for the volume only if it was never read.
    Task<StatusInput> status_input() {
        const auto until = Clock::now() + kWaitAtMost;
        // Evaluated before the first suspension: a reload may remove the address during the query.
        const bool loopback = address && address->loopback();
        const bool up = co_await renew(true);
        while (up && !volume_at && refreshing && !closed && !scope.cancelled()) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
            if (left.count() <= 0) break;
            co_await refreshed.wait_for(left);
        }
        co_return StatusInput{gauges(up), history, now(), loopback, volume_days};
    }

    Gauges gauges(bool up) const {
        Gauges found;
        found.database_up = up;
        found.report = report;
        found.age = report_at == Clock::time_point{} ? Clock::duration{} : Clock::now() - report_at;
        found.sites = instance->settings.api.sites;
        found.leases_held = instance->health.being_read();
        found.poll_every = instance->settings.sync.poll_every;
        found.rate_limit = instance->api.rate_limit();
        found.token_expires_at = instance->api.token_expires_at();
        found.clock_offset = instance->api.clock_ahead_of_machine();
        return found;
    }

    /// Returns the response to a request whose Host header is not allowed, otherwise none.
    std::optional<AdminResponse> refusal(const AdminRequest& request) const {
        constexpr const char* kText = "text/plain; charset=utf-8";
        const auto& allowed = instance->settings.admin_allowed_hosts;
        switch (judge_host(request.hosts, request.http_1_0, allowed)) {
            case HostVerdict::allowed:
                return std::nullopt;
            case HostVerdict::malformed:
                return AdminResponse{400, kText, "the request must have exactly one Host header\n"};
            case HostVerdict::refused:
                return AdminResponse{
                    421, kText,
                    "requests for this host name are refused; use an IP address or localhost, or add the "
                    "name to admin.allowed_hosts\n"};
        }
        return std::nullopt;
    }

    Task<AdminResponse> respond(AdminRequest request) {
        const std::shared_ptr<Impl> keep = shared_from_this();
        if (auto refused = refusal(request)) co_return std::move(*refused);
        const std::string& path = request.path;
        if (path == "/healthz") co_return AdminResponse{200, "text/plain; charset=utf-8", "alive\n"};
        if (path == "/metrics") {
            const bool up = co_await renew(false);
            if (closed) co_return AdminResponse{503, "text/plain; charset=utf-8", "stopping\n"};
            co_return AdminResponse{200, "text/plain; version=0.0.4; charset=utf-8",
                                    metrics.text(gauges(up))};
        }
        if (path == "/readyz") {
            const bool up = co_await renew(false);
            if (closed) co_return AdminResponse{503, "text/plain; charset=utf-8", "stopping\n"};
            const Readiness readiness = judge_readiness(gauges(up), now());
            co_return AdminResponse{readiness.ready ? 200 : 503, "text/plain; charset=utf-8", readiness.text};
        }
        if (path == "/" || path == "/status.json") {
            const StatusInput input = co_await status_input();
            if (closed) co_return AdminResponse{503, "text/plain; charset=utf-8", "stopping\n"};
            if (path == "/status.json") co_return AdminResponse{200, "application/json", status_json(input)};
            co_return AdminResponse{
                200,
                "text/html; charset=utf-8",
                status_page(input),
                {{"Content-Security-Policy", content_policy()}, {"Referrer-Policy", "no-referrer"}}};
        }
        co_return AdminResponse{404, "text/plain; charset=utf-8",
                                "not found; the paths are /, /status.json, /metrics, /healthz and /readyz\n"};
    }

    /// Returns false if the address cannot be bound. Warns about that only if `first`.
    bool try_to_listen(bool first) {
        try {
            server->listen(*address);
        } catch (const std::runtime_error& error) {
            const auto line = first ? log::warn : log::debug;
            line(LogTopic::admin, "cannot listen on the admin address, will be tried again",
                 {{"address", to_text(*address)}, {"error", error.what()}});
            return false;
        }
        ListenAddress bound = *address;
        bound.port = server->port();
        log::info(LogTopic::admin, "metrics and status page",
                  {{"address", "http://" + to_text(bound) + "/"}});
        if (!address->loopback()) {
            log::warn(LogTopic::admin,
                      "the admin address can be reached from other machines and needs no password; the page "
                      "leaves out error texts",
                      {{"address", to_text(bound)}});
        }
        return true;
    }

    bool wants_to_listen() const { return address && !listening && !closed && !scope.cancelled(); }

    static Task<> keep_trying(std::shared_ptr<Impl> self) {
        while (self->wants_to_listen()) {
            co_await self->scope.sleep(kListenAgain);
            if (self->wants_to_listen()) self->listening = self->try_to_listen(false);
        }
        self->trying = false;
        self->coroutines.remove();
    }

    void listen(const std::optional<ListenAddress>& wanted) {
        if (wanted == address && (listening || trying)) return;
        if (server) server->close();
        address = wanted;
        listening = false;
        if (!address) return;
        if (!server) {
            server = std::make_unique<HttpServer>(
                runtime, [weak = weak_from_this()](AdminRequest request) -> Task<AdminResponse> {
                    const std::shared_ptr<Impl> self = weak.lock();
                    if (!self) co_return AdminResponse{503, "text/plain; charset=utf-8", "stopping\n"};
                    co_return co_await self->respond(std::move(request));
                });
        }
        listening = try_to_listen(true);
        if (listening || trying) return;
        trying = true;
        coroutines.add();
        runtime.spawn(keep_trying(shared_from_this()));
    }
};

Admin::Admin(Runtime& runtime, Metrics& metrics) : impl_(std::make_shared<Impl>(runtime, metrics)) {}
Admin::~Admin() = default;

void Admin::show(Instance& instance, SinkFactory sinks) {
    impl_->instance = &instance;
    impl_->sinks = std::move(sinks);
    impl_->sinks_are_new = true;
    impl_->report_at = {};
    impl_->history_at = {};
    impl_->volume_at.reset();
    impl_->listen(instance.settings.admin_listen);
}

void Admin::close() {
    impl_->closed = true;
    if (impl_->server) impl_->server->close();
    impl_->refreshed.notify();
}

Task<> Admin::idle() {
    if (impl_->server) co_await impl_->server->idle();
    co_await impl_->coroutines.wait();
    impl_->sink_pool.reset();
}

}  // namespace glia
