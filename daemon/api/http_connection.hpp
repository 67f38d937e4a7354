// One connection to one origin, plain or TLS, through a proxy or not: Beast writes requests, ResponseReader
// reads the responses. No pool and no policy here.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "daemon/api/dialer.hpp"
#include "daemon/api/http.hpp"

namespace glia {

/// Opens the connections of one client.
class HttpConnector {
  public:
    /// Throws std::runtime_error if `ca_file` cannot be read.
    HttpConnector(Runtime& runtime, HttpSettings settings);
    ~HttpConnector();

    const HttpSettings& settings() const { return settings_; }
    bool through_proxy(const Origin& origin) const;
    /// Ends every dial under way, and every later one, with `cancelled`.
    void cancel() { dialer_.cancel(); }

  private:
    friend class HttpConnection;
    struct Tls;

    Tls& tls();

    HttpSettings settings_;
    Dialer dialer_;
    std::unique_ptr<Tls> tls_;  // created on first use: the certificates take a megabyte
};

/// How a request on a connection ended.
struct Exchange {
    HttpOutcome outcome;
    /// No byte of a response was received, as on a pooled connection that the server had closed.
    bool nothing_received = false;
    bool reusable = false;  ///< the connection can take another request
};

/// Loop's thread only. May outlive the connector that opened it: after a reload, the new client takes over
/// idle connections.
class HttpConnection {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit HttpConnection(Runtime& runtime);
    ~HttpConnection();

    /// Connects within the connect timeout. Call it once.
    Task<std::optional<HttpFailure>> open(HttpConnector& connector, Origin origin);
    /// Sends a request and receives the response, through `receiver` if it is not null. All three arguments
    /// must outlive the call.
    Task<Exchange> exchange(HttpConnector& connector, const HttpRequest& request,
                            const BodyReceiver* receiver);
    /// Ends what is under way with `cancelled`.
    void cancel();

    Time idle_since() const { return idle_since_; }
    /// True if the socket has nothing to read. Unsolicited bytes would be read as the next response, and the
    /// end of the stream means that the server has closed the connection.
    bool is_quiet() const;
    /// Removes the time limit until the next request.
    void start_idling();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    Time idle_since_{};
};

}  // namespace glia
