// A small HTTP server for the admin address: GET and HEAD only, with limits on connections, sizes and time.
// The handler checks the Host and makes the response.
// By hand: prometheus-cpp's exposer serves only metrics, uses threads of CivetWeb, and does not check the
// Host.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/base/runtime.hpp"
#include "daemon/config/listen_address.hpp"
#include "sinks/durations.hpp"

namespace glia {

/// A GET or HEAD request.
struct AdminRequest {
    std::string path;                ///< without its query
    std::vector<std::string> hosts;  ///< values of the Host headers; there should be one
    bool http_1_0 = false;
};

/// A response. The server adds Content-Length, Cache-Control and X-Content-Type-Options to `headers`.
struct AdminResponse {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers{};
};

/// Loop's thread only.
class HttpServer {
  public:
    /// Called for every request. The server logs a std::exception from it and responds with 500.
    using Handler = std::function<Task<AdminResponse>(AdminRequest request)>;

    /// `time_limit`: for reading a request, including the idle time before it, and for sending a response.
    HttpServer(Runtime& runtime, Handler handler, Milliseconds time_limit = Seconds{15});
    ~HttpServer();

    /// Closes the previous listening socket and listens at `address`. Throws std::runtime_error with the
    /// system's message if that fails; then it does not listen at all.
    void listen(const ListenAddress& address);
    /// The listening port; 0 if it does not listen.
    int port() const;
    /// Stops listening and cancels reads and writes on all connections. A connection whose response is being
    /// prepared closes after sending it.
    void close();
    /// Call it after close(). Completes when no coroutine of the server is left.
    Task<> idle();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
