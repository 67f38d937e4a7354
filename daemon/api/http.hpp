// An HTTP client: requests, responses and failures. No retries and no policy here.
// By hand: no HTTP client in Debian works with Asio's coroutines. Beast has no connection pool; libcurl
// brings its own event loop, resolver and pool.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/base/runtime.hpp"
#include "daemon/base/url.hpp"
#include "sinks/durations.hpp"

namespace glia {

struct HttpRequest {
    std::string method = "GET";
    Url url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
};

struct HttpResponse {
    int status = 0;
    std::string body;  ///< decoded
    std::vector<std::pair<std::string, std::string>> headers;
    std::chrono::steady_clock::time_point sent_at;      ///< just before the request was written
    std::chrono::steady_clock::time_point received_at;  ///< when the response's head was complete

    /// The first header of that name, case-insensitive; empty if there is none.
    std::string header(const std::string& name) const;
};

struct HttpFailure {
    enum class Kind {
        cancelled,   ///< the program stops
        network,     ///< no address, no connection, cut, timed out: worth a retry
        tls,         ///< the certificate does not verify or no common TLS version: a person has to act
        unsendable,  ///< the request cannot be written as it is; nothing was sent
        response     ///< too long, badly encoded, not HTTP
    };
    Kind kind = Kind::network;
    std::string message;  ///< one line
    bool sent = false;    ///< the request, or a part of it, may have reached the server
    bool timed_out = false;
};

using HttpOutcome = std::variant<HttpResponse, HttpFailure>;

struct HttpSettings {
    Milliseconds connect_timeout{10'000};  ///< name lookup, TCP, proxy and TLS together
    Milliseconds request_timeout{60'000};  ///< from the first byte written to the last byte read
    std::string ca_file;                   ///< empty: the system's certificates
    bool system_ca_too = false;            ///< trust the system's certificates in addition to `ca_file`
    std::optional<Proxy> proxy;
    std::string no_proxy;
    std::size_t max_idle = 8;
    /// Servers close idle connections after about a minute. Closing them earlier avoids most requests on a
    /// connection that the server has just closed.
    Milliseconds idle_limit{20'000};
    std::size_t max_body = std::size_t{64}
                           << 20;  ///< bytes, before and after decoding; a page has well under one MiB
    std::size_t spare = 0;  ///< bytes of capacity beyond a body of known length, for a parser that pads
    std::string user_agent;
};

/// Streams a body piece by piece.
struct BodyReceiver {
    /// Called with the response's head. If it returns false, the body is not streamed but stored in the
    /// response. For bodies of errors, for example.
    std::function<bool(const HttpResponse&)> wants;
    /// Called with each piece. The next piece is read after it has returned. False ends the exchange with
    /// `cancelled`.
    std::function<Task<bool>(std::string)> take;
};

/// Sends requests over a pool of keep-alive connections. Loop's thread only.
class HttpClient {
  public:
    /// Throws std::runtime_error if `ca_file` cannot be read.
    HttpClient(Runtime& runtime, HttpSettings settings);
    ~HttpClient();

    /// Sends a request once. If a pooled connection fails, except by a timeout, before any byte of the
    /// response has arrived, sends it again on a new connection.
    Task<HttpOutcome> send(HttpRequest request);
    /// The same for bodies of any length: the time limit applies to each piece, and the request accepts no
    /// content coding.
    Task<HttpOutcome> receive(HttpRequest request, BodyReceiver receiver);
    /// Ends every exchange under way, and every later one, with `cancelled`.
    void cancel();
    /// Takes over the idle connections of `other`, which must have the same settings.
    void take_idle(HttpClient& other);
    /// True while a name lookup runs in a thread that cannot be interrupted: then the loop cannot be
    /// destroyed without waiting for it.
    static bool lookups_under_way();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
