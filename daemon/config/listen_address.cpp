#include "daemon/config/listen_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace glia {

bool ListenAddress::loopback() const {
    return ip.starts_with("127.") || ip == "::1";
}

std::optional<ListenAddress> parse_listen(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    ListenAddress address{text.substr(0, colon), -1};
    const std::string port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size() || address.port < 0 || address.port > 65535)
        return std::nullopt;
    unsigned char bytes[sizeof(in6_addr)];
    const bool bracketed = address.ip.starts_with('[') && address.ip.ends_with(']');
    if (bracketed) address.ip = address.ip.substr(1, address.ip.size() - 2);
    if (address.ip == "localhost") address.ip = "127.0.0.1";
    if (inet_pton(bracketed ? AF_INET6 : AF_INET, address.ip.c_str(), bytes) != 1) return std::nullopt;
    return address;
}

bool is_host_name(const std::string& text) {
    constexpr std::size_t kLongest = 254;  // with a dot at the end
    return !text.empty() && text != "." && text.size() <= kLongest &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
           });
}

std::string to_text(const ListenAddress& address) {
    const bool six = address.ip.find(':') != std::string::npos;
    return (six ? "[" + address.ip + "]" : address.ip) + ":" + std::to_string(address.port);
}

}  // namespace glia
