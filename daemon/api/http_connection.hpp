// One connection to one origin, plain or TLS, through a proxy or not: Beast writes requests, ResponseReader
// reads the answers. No pool and no policy here.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "daemon/api/dialer.hpp"
#include "daemon/api/http.hpp"

namespace glia {

/// How the connections of one client are made.
class HttpConnector {
  public:
    /// Throws std::runtime_error if `ca_file` cannot be read.
    HttpConnector(Runtime& runtime, HttpSettings settings);
    ~HttpConnector();

    const HttpSettings& settings() const { return settings_; }
    bool through_proxy(const Origin& origin) const;
    /// Ends every dial under way with `cancelled`, and whatever comes later.
    void cancel() { dialer_.cancel(); }

  private:
    friend class HttpConnection;
    struct Tls;

    Tls& tls();

    HttpSettings settings_;
    Dialer dialer_;
    std::unique_ptr<Tls> tls_;  // made when it is needed: the certificates take a megabyte
};

/// How a request on a connection ended.
struct Exchange {
    HttpOutcome outcome;
    bool nothing_received = false;  ///< a pooled connection that had been closed looks like this
    bool reusable = false;          ///< the connection can take another request
};

/// Loop's thread only. Outlives the connector that made it: a reload hands idle connections on.
class HttpConnection {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit HttpConnection(Runtime& runtime);
    ~HttpConnection();

    /// Connects, all of it within the connect timeout. Once.
    Task<std::optional<HttpFailure>> open(HttpConnector& connector, Origin origin);
    /// Sends a request, and receives the answer: into `receiver`, if there is one. All three outlive the
    /// call.
    Task<Exchange> exchange(HttpConnector& connector, const HttpRequest& request,
                            const BodyReceiver* receiver);
    /// Ends what is under way with `cancelled`.
    void cancel();

    Time idle_since() const { return idle_since_; }
    /// True if there is nothing to be read. Bytes that nobody asked for would be taken for the next answer,
    /// and the end of the stream means that the server has closed it.
    bool is_quiet() const;
    /// From now on it waits for its next request, for as long as that takes.
    void start_idling();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    Time idle_since_{};
};

}  // namespace glia
