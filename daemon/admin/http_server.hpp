// A small HTTP server for the admin address: GET and HEAD, bounded in connections, sizes and time. Whom to
// answer, and what, is the handler's business.
// By hand: prometheus-cpp's exposer serves metrics alone, by CivetWeb's threads, to whatever Host is asked
// for.
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

/// A GET or a HEAD.
struct HttpQuestion {
    std::string path;                ///< without its query
    std::vector<std::string> hosts;  ///< values of the Host fields; there should be one
    bool http_1_0 = false;
};

struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers{};
};

/// Loop's thread only.
class HttpServer {
  public:
    /// Called for every request. What it throws becomes a 500.
    using Handler = std::function<Task<HttpAnswer>(HttpQuestion question)>;

    /// `patience`: for all of a request to come in (from the start of an idle connection's wait), and for all
    /// of an answer to go out.
    HttpServer(Runtime& runtime, Handler handler, Milliseconds patience = Seconds{15});
    ~HttpServer();

    /// Listens there, and no longer where it did before. Throws std::runtime_error, in words, if that address
    /// cannot be had; then it listens nowhere.
    void listen(const ListenAddress& address);
    /// The port it listens on, 0 if nowhere.
    int port() const;
    /// Ends listening and every connection; idle() is true once the last of its coroutines is gone.
    void close();
    Task<> idle();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
