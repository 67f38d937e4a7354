// The address of /metrics and the status page, and the form of host names that requests to it may use.
#pragma once

#include <optional>
#include <string>

namespace glia {

struct ListenAddress {
    std::string ip;
    int port = 0;  ///< 0: any free port
    bool loopback() const;
    bool operator==(const ListenAddress&) const = default;
};

/// Reads `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`.
std::optional<ListenAddress> parse_listen(const std::string& text);
std::string to_text(const ListenAddress& address);

/// True for the name of a host without a port: letters, digits, dots, hyphens and underscores.
bool is_host_name(const std::string& text);

}  // namespace glia
