// Opens TCP connections to host names: resolves the name and races its addresses (RFC 8305).
// By hand: asio::async_connect tries addresses one after another, and an Asio name lookup cannot be
// cancelled.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/api/connect_schedule.hpp"
#include "daemon/api/http.hpp"

namespace glia {

/// A connected TCP socket. The receiver owns the descriptor.
struct DialedSocket {
    int descriptor = -1;
    bool ipv6 = false;
};

struct SocketAddress {
    std::string ip;
    std::uint16_t port = 0;
};

using DialOutcome = std::variant<DialedSocket, HttpFailure>;

/// Loop's thread only. Failures are of kind `network` or `cancelled`, each a line for a person.
class Dialer {
  public:
    using Time = ConnectSchedule::Time;

    explicit Dialer(Runtime& runtime);
    ~Dialer();

    /// Resolves `host` and connects to one of its addresses before `deadline`.
    Task<DialOutcome> dial(std::string host, std::string port, Time deadline);
    /// The same without the lookup. Errors name the server as `where`.
    Task<DialOutcome> dial_addresses(std::vector<SocketAddress> addresses, std::string where, Time deadline);
    /// Ends every dial under way, and every later one, with `cancelled`.
    void cancel();
    /// True while a name lookup runs in a thread that cannot be interrupted.
    static bool lookups_under_way();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
