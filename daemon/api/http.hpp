// One HTTP exchange: what is asked, what comes back, what can go wrong. No retries and no policy here.
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
    std::chrono::steady_clock::time_point received_at;  ///< when its head had come

    /// The first header of that name, whatever its case; empty if there is none.
    std::string header(const std::string& name) const;
};

struct HttpFailure {
    enum class Kind {
        cancelled,   ///< the program stops
        network,     ///< no address, no connection, cut, timed out: may go away by itself
        tls,         ///< the certificate does not verify or no common TLS version: a person has to act
        unsendable,  ///< the request cannot be written as it is; nothing was sent
        response     ///< too long, badly encoded, not HTTP
    };
    Kind kind = Kind::network;
    std::string message;  ///< one line
    bool sent = false;    ///< the request, or a part of it, may have reached the server
};

using HttpOutcome = std::variant<HttpResponse, HttpFailure>;

struct HttpSettings {
    Milliseconds connect_timeout{10'000};  ///< address, TCP, proxy and TLS together
    Milliseconds request_timeout{60'000};  ///< from the first byte written to the last byte read
    std::string ca_file;                   ///< empty: the system's
    bool system_ca_too = false;            ///< those of the system beside those of `ca_file`
    std::optional<Proxy> proxy;
    std::string no_proxy;
    std::size_t max_idle = 8;
    /// Servers close idle connections after a minute or so; closing first avoids most surprises.
    Milliseconds idle_limit{20'000};
    std::size_t max_body = std::size_t{64}
                           << 20;  ///< bytes, before and after decoding; a page has well under one MiB
    std::size_t spare = 0;  ///< bytes of capacity beyond a body whose length is told, for a parser that pads
    std::string user_agent;
};

/// Takes a body piece by piece, as it comes, instead of all of it in the response.
struct BodyReceiver {
    /// Called with the response's head. False: the body is none of those that are wanted, and comes in the
    /// response, as that of an error does.
    std::function<bool(const HttpResponse&)> wants;
    /// The next piece has been received; the one after it is read when this has returned. False ends the
    /// exchange with `cancelled`.
    std::function<Task<bool>(std::string)> take;
};

/// Sends requests over a pool of keep-alive connections. Loop's thread only.
class HttpClient {
  public:
    /// Throws std::runtime_error if `ca_file` cannot be read.
    HttpClient(Runtime& runtime, HttpSettings settings);
    ~HttpClient();

    /// Sends once; a pooled connection that turns out to be closed is replaced without a word.
    Task<HttpOutcome> send(HttpRequest request);
    /// The same for bodies of any length: the time limit is that of each piece, and no encoding is asked for.
    Task<HttpOutcome> receive(HttpRequest request, BodyReceiver receiver);
    /// Ends every exchange under way with `cancelled`.
    void cancel();
    /// Goes on with the idle connections of `other`, of the same settings.
    void take_idle(HttpClient& other);
    /// True while a name is looked up in a thread that cannot be interrupted: then the loop cannot be
    /// destroyed without waiting for it.
    static bool lookups_under_way();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
