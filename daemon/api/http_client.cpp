// Requests over pooled connections.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <set>

#include "daemon/api/http.hpp"
#include "daemon/api/http_connection.hpp"

namespace glia {
namespace {

using Clock = std::chrono::steady_clock;

/// True for a valid header value (RFC 9110 §5.5): without a line end, which would start another header.
bool is_field_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7f;
    });
}

/// Lists a connection among those that cancel() ends.
class InUse {
  public:
    InUse(std::set<HttpConnection*>& all, HttpConnection* connection) : all_(all), connection_(connection) {
        all_.insert(connection_);
    }
    ~InUse() { all_.erase(connection_); }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

  private:
    std::set<HttpConnection*>& all_;
    HttpConnection* connection_;
};

}  // namespace

struct HttpClient::Impl {
    Impl(Runtime& loop, HttpSettings settings)
        : runtime(loop), connector(loop, std::move(settings)), reaper(loop.context()) {}

    Runtime& runtime;
    HttpConnector connector;
    std::map<std::string, std::vector<std::unique_ptr<HttpConnection>>> idle;
    std::set<HttpConnection*> active;
    boost::asio::steady_timer reaper;
    bool reaping = false;
    const std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);  // a timer's handler may outlive us
    bool cancelled = false;

    Task<HttpOutcome> exchange(HttpRequest request, const BodyReceiver* receiver);

    std::unique_ptr<HttpConnection> take_idle(const std::string& origin) {
        auto& connections = idle[origin];
        while (!connections.empty()) {
            auto connection = std::move(connections.back());
            connections.pop_back();
            const bool fresh = Clock::now() - connection->idle_since() < connector.settings().idle_limit;
            if (fresh && connection->is_quiet()) return connection;
        }
        return nullptr;
    }

    void give_back(const std::string& origin, std::unique_ptr<HttpConnection> connection) {
        auto& connections = idle[origin];
        if (cancelled || connections.size() >= connector.settings().max_idle) return;
        connection->start_idling();
        connections.push_back(std::move(connection));
        if (!reaping) reap_at(connections.back()->idle_since() + connector.settings().idle_limit);
    }

    void reap_at(Clock::time_point moment) {
        reaping = true;
        reaper.expires_at(moment);
        reaper.async_wait([weak = std::weak_ptr<Impl*>(self)](const boost::system::error_code& error) {
            const auto impl = weak.lock();
            if (!error && impl) (*impl)->reap();
        });
    }

    /// Closes connections that have been idle for too long, and sets a timer for the next one.
    void reap() {
        reaping = false;
        const auto began = Clock::now() - connector.settings().idle_limit;
        std::optional<Clock::time_point> oldest;
        for (auto& [origin, connections] : idle) {
            std::erase_if(connections,
                          [&](const auto& connection) { return connection->idle_since() <= began; });
            for (const auto& connection : connections)
                oldest = std::min(oldest.value_or(connection->idle_since()), connection->idle_since());
        }
        std::erase_if(idle, [](const auto& entry) { return entry.second.empty(); });
        if (oldest) reap_at(*oldest + connector.settings().idle_limit);
    }
};

HttpClient::HttpClient(Runtime& runtime, HttpSettings settings)
    : impl_(std::make_unique<Impl>(runtime, std::move(settings))) {}
HttpClient::~HttpClient() = default;

Task<HttpOutcome> HttpClient::send(HttpRequest request) {
    co_return co_await impl_->exchange(std::move(request), nullptr);
}

Task<HttpOutcome> HttpClient::receive(HttpRequest request, BodyReceiver receiver) {
    co_return co_await impl_->exchange(std::move(request), &receiver);
}

Task<HttpOutcome> HttpClient::Impl::exchange(HttpRequest request, const BodyReceiver* receiver) {
    const std::string origin = to_text(request.url.origin);
    for (bool fresh = false;; fresh = true) {
        if (cancelled)
            co_return HttpFailure{HttpFailure::Kind::cancelled, "stopped before the request was sent"};
        for (const auto& [name, value] : request.headers) {
            if (!is_field_value(value))
                co_return HttpFailure{HttpFailure::Kind::unsendable,
                                      "the value of the header " + name + " holds control characters"};
        }
        std::unique_ptr<HttpConnection> connection;
        // Only a GET may use a pooled connection, which the server may have closed: requests of other methods
        // cannot be repeated safely.
        if (!fresh && request.method == "GET") connection = take_idle(origin);
        const bool reused = connection != nullptr;
        if (!connection) connection = std::make_unique<HttpConnection>(runtime);
        std::optional<HttpFailure> refused;
        Exchange exchange;
        {
            const InUse in_use(active, connection.get());  // also if the receiver or tls() throws
            if (!reused) refused = co_await connection->open(connector, request.url.origin);
            if (!refused) exchange = co_await connection->exchange(connector, request, receiver);
        }
        if (refused) {
            if (cancelled) refused->kind = HttpFailure::Kind::cancelled;
            co_return *refused;
        }
        auto* failed = std::get_if<HttpFailure>(&exchange.outcome);
        if (failed) failed->sent = true;
        if (failed && cancelled) failed->kind = HttpFailure::Kind::cancelled;
        // The server has probably closed the connection before it read the request. After a timeout the
        // caller decides about a retry, because it counts retries.
        const bool stale = failed && failed->kind == HttpFailure::Kind::network && !failed->timed_out &&
                           reused && exchange.nothing_received;
        if (stale) continue;
        if (!failed && exchange.reusable) give_back(origin, std::move(connection));
        co_return std::move(exchange.outcome);
    }
}

void HttpClient::take_idle(HttpClient& other) {
    impl_->idle = std::exchange(other.impl_->idle, {});
    impl_->reap();  // starts the timer that closes them, even if no further request is sent
}

bool HttpClient::lookups_under_way() {
    return Dialer::lookups_under_way();
}

void HttpClient::cancel() {
    impl_->cancelled = true;
    for (HttpConnection* connection : impl_->active) connection->cancel();
    impl_->connector.cancel();
    impl_->idle.clear();
}

}  // namespace glia
