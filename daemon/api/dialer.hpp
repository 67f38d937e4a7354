// TCP connections to names: the lookup, and the race between a name's addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/api/connect_schedule.hpp"
#include "daemon/api/http.hpp"

namespace glia {

/// A connected TCP socket; whoever receives it closes the descriptor.
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

    /// Looks `host` up and connects to one of its addresses, all of it before `deadline`.
    Task<DialOutcome> dial(std::string host, std::string port, Time deadline);
    /// The part behind the lookup. `where` is what errors call the server.
    Task<DialOutcome> dial_addresses(std::vector<SocketAddress> addresses, std::string where, Time deadline);
    /// Ends everything under way with `cancelled`, and whatever comes later.
    void cancel();
    /// True while a name is looked up in a thread that cannot be interrupted.
    static bool lookups_under_way();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace glia
