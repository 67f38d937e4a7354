// A small HTTP server for the admin address: GET and HEAD, bounded in connections, sizes and time. No policy
// here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/settings.hpp"
#include "daemon/ops/runtime.hpp"

namespace glia {

struct HttpAnswer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers{};
};

/// Loop's thread only.
class HttpServer {
  public:
    /// Called for every request with the path, without its query.
    using Handler = std::function<Task<HttpAnswer>(std::string path)>;

    HttpServer(Runtime& runtime, Handler handler);
    ~HttpServer();

    /// Listens there, and no longer where it did before. Throws std::runtime_error, in words, if that address
    /// cannot be had; then it listens nowhere.
    void listen(const ListenAddress& address);
    /// The port it listens on, 0 if nowhere.
    int port() const;
    /// Ends listening and every connection; idle() tells when the last of its coroutines is gone.
    void close();
    Task<> idle();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
