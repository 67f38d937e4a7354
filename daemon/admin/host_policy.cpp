#include "daemon/admin/host_policy.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "daemon/config/listen_address.hpp"

namespace glia {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Normalizes a name: lower case, without a final dot.
std::string normalized(std::string name) {
    for (char& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (name.ends_with('.')) name.pop_back();
    return name;
}

bool is_address(const std::string& text, int family) {
    unsigned char bytes[sizeof(in6_addr)];
    return inet_pton(family, text.c_str(), bytes) == 1;
}

/// A Host header without its port.
struct Host {
    std::string name;
    bool bracketed = false;  ///< an IPv6 address
};
/// Returns none if the header is malformed.
std::optional<Host> parse_host(const std::string& text) {
    Host host;
    std::string port;
    host.bracketed = text.starts_with('[');
    if (host.bracketed) {
        const std::size_t end = text.find(']');
        if (end == std::string::npos) return std::nullopt;
        host.name = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!is_address(host.name, AF_INET6)) return std::nullopt;
    } else {
        const std::size_t colon = text.find(':');
        host.name = text.substr(0, colon);
        if (colon != std::string::npos) port = text.substr(colon);
        if (!is_host_name(host.name)) return std::nullopt;
    }
    if (!port.empty() && (port.front() != ':' || !std::all_of(port.begin() + 1, port.end(), is_digit)))
        return std::nullopt;
    return host;
}

}  // namespace

HostVerdict judge_host(const std::vector<std::string>& hosts, bool http_1_0,
                       const std::vector<std::string>& allowed) {
    if (hosts.empty()) return http_1_0 ? HostVerdict::allowed : HostVerdict::malformed;
    if (hosts.size() > 1) return HostVerdict::malformed;
    const auto host = parse_host(hosts.front());
    if (!host) return HostVerdict::malformed;
    if (host->bracketed || is_address(host->name, AF_INET)) return HostVerdict::allowed;
    const std::string name = normalized(host->name);
    const bool known =
        name == "localhost" ||
        std::any_of(allowed.begin(), allowed.end(), [&](const auto& one) { return normalized(one) == name; });
    return known ? HostVerdict::allowed : HostVerdict::refused;
}

}  // namespace glia
