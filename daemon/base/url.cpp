#include "daemon/base/url.hpp"

#include <algorithm>
#include <boost/url/authority_view.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <cctype>
#include <cstdlib>

#include "daemon/base/text.hpp"
#include "sinks/secrets.hpp"

namespace glia {
namespace {

bool is_clean(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte != 0x7f;
    });
}

/// True for an empty text and for numbers up to 65535.
bool is_port(std::string_view digits) {
    return digits.size() <= 5 && std::strtoul(std::string(digits).c_str(), nullptr, 10) <= 65535;
}

std::optional<Origin> parse_origin(std::string_view scheme, std::string_view authority) {
    Origin origin;
    origin.scheme = lower(scheme);
    if (origin.scheme != "http" && origin.scheme != "https") return std::nullopt;
    const auto parsed = boost::urls::parse_authority({authority.data(), authority.size()});
    if (!parsed || parsed->has_userinfo() || parsed->host().empty() || !is_port(parsed->port()))
        return std::nullopt;
    origin.host = lower(parsed->host_type() == boost::urls::host_type::ipv6
                            ? std::string(parsed->host_ipv6_address().to_string())
                            : std::string(parsed->host()));
    origin.port = std::string(parsed->port());
    // Refuses percent-encoded hosts: decoded, one may contain line ends, and the host goes into the header
    // Host.
    const auto encoded = parsed->encoded_host();
    if (std::string_view(encoded.data(), encoded.size()).find('%') != std::string_view::npos)
        return std::nullopt;
    if (origin.port.empty()) origin.port = origin.scheme == "http" ? "80" : "443";
    return origin;
}

std::string without_fragment(std::string_view text) {
    return std::string(text.substr(0, text.find('#')));
}

/// Implements RFC 3986 §5.2.4 for paths that begin with a slash.
std::string remove_dot_segments(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size());
        const std::string_view segment = path.substr(0, end);
        path.remove_prefix(end);
        const bool dot = segment == "/.";
        const bool up = segment == "/..";
        if (up) out.erase(std::min(out.rfind('/'), out.size()));
        if (!dot && !up) {
            out += segment;
        } else if (path.empty()) {
            out += '/';
        }
    }
    return out;
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
    if (!is_clean(text)) return std::nullopt;
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(colon + 3);
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    const auto origin = parse_origin(text.substr(0, colon), rest.substr(0, end));
    if (!origin) return std::nullopt;
    std::string target = without_fragment(rest.substr(end));
    if (target.empty() || target.front() != '/') target.insert(0, "/");
    return Url{*origin, target};
}

bool is_absolute(std::string_view link) {
    const std::size_t end = link.find_first_of(":/?#");
    if (end == std::string_view::npos || link[end] != ':') return false;
    return boost::urls::parse_uri({link.data(), end + 1}).has_value();
}

std::optional<Url> resolve_link(const Url& carrier, std::string_view link) {
    if (link.empty() || !is_clean(link)) return std::nullopt;
    if (is_absolute(link)) return parse_url(link);
    if (link.starts_with("//")) return parse_url(carrier.origin.scheme + ":" + std::string(link));
    const std::string reference = without_fragment(link);
    if (reference.empty()) return carrier;
    const std::string_view path = std::string_view(carrier.target).substr(0, carrier.target.find('?'));
    if (reference.front() == '?') return Url{carrier.origin, std::string(path) + reference};
    std::string merged = reference;
    if (merged.front() != '/') merged.insert(0, path.empty() ? "/" : path.substr(0, path.rfind('/') + 1));
    const std::size_t query = std::min(merged.find('?'), merged.size());
    return Url{carrier.origin,
               remove_dot_segments(std::string_view(merged).substr(0, query)) + merged.substr(query)};
}

std::optional<Proxy> parse_proxy(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    std::string_view rest = text;
    if (text.find("://") != std::string_view::npos) {
        if (lower(text.substr(0, kScheme.size())) != kScheme) return std::nullopt;
        rest.remove_prefix(kScheme.size());
    }
    const std::string_view authority = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
    // Text after the port may be the rest of a password with an unencoded slash.
    if (!is_clean(text) || (rest.size() > authority.size() && rest.substr(authority.size()) != "/"))
        return std::nullopt;
    const auto parsed = boost::urls::parse_authority({authority.data(), authority.size()});
    if (!parsed || parsed->host().empty() || !is_port(parsed->port())) return std::nullopt;
    Proxy proxy;
    proxy.host = parsed->host_type() == boost::urls::host_type::ipv6
                     ? std::string(parsed->host_ipv6_address().to_string())
                     : std::string(parsed->host());
    proxy.port = parsed->port().empty() ? "3128" : std::string(parsed->port());
    if (parsed->has_userinfo())
        proxy.credentials = std::string(parsed->user()) + ":" + std::string(parsed->password());
    return proxy;
}

bool bypasses_proxy(const std::string& host, const std::string& no_proxy) {
    std::size_t at = 0;
    while (at <= no_proxy.size()) {
        const std::size_t comma = std::min(no_proxy.find(',', at), no_proxy.size());
        std::string entry = lower(std::string_view(no_proxy).substr(at, comma - at));
        entry.erase(
            std::remove_if(entry.begin(), entry.end(), [](unsigned char c) { return std::isspace(c); }),
            entry.end());
        if (entry == "*") return true;
        if (!entry.empty() && entry.front() == '.') entry.erase(0, 1);
        if (!entry.empty() && (host == entry || host.ends_with("." + entry))) return true;
        at = comma + 1;
    }
    return false;
}

bool is_loopback(const Origin& origin) {
    return origin.host == "localhost" || origin.host == "::1" ||
           (origin.host.starts_with("127.") &&
            origin.host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string to_text(const Origin& origin) {
    const bool ipv6 = origin.host.find(':') != std::string::npos;
    std::string text = origin.scheme + "://" + (ipv6 ? "[" + origin.host + "]" : origin.host);
    if (origin.port != (origin.scheme == "http" ? "80" : "443")) text += ":" + origin.port;
    return text;
}

std::string to_text(const Url& url) {
    return to_text(url.origin) + url.target;
}

std::optional<std::string> url_problem(std::string_view text) {
    if (!is_clean(text)) return "it has a space or a control character in it";
    const std::size_t colon = text.find("://");
    if (text.find('@') != std::string_view::npos)
        return "it has an @ in it; it must not contain credentials, which belong in api.auth";
    if (colon == std::string_view::npos) return "it does not begin with https://";
    const std::string scheme = lower(text.substr(0, colon));
    if (scheme != "http" && scheme != "https") return "it begins with neither https:// nor http://";
    if (text.find('#') != std::string_view::npos) return "it has a # in it";
    if (!parse_url(text)) return "its host or its port is invalid";
    return std::nullopt;
}

std::optional<std::string> proxy_problem(std::string_view text) {
    if (parse_proxy(text)) return std::nullopt;
    const std::size_t colon = text.find("://");
    if (colon != std::string_view::npos && text.substr(0, colon) != "http")
        return "only http:// proxies are supported";
    if (text.find('@') != std::string_view::npos)
        return "each of : / ? # [ ] @ % and space in the user or the password must be percent-encoded";
    return "it must be a host and a port, and nothing more";
}

std::string mask_url(const std::string& url) {
    const std::size_t at = url.rfind('@');
    if (at == std::string::npos) return url;
    const std::size_t scheme = url.find("://");
    // Anything else before :// may be a user's name or a part of a password.
    const bool known = scheme != std::string::npos && scheme < at &&
                       std::all_of(
                           url.begin(), url.begin() + static_cast<std::ptrdiff_t>(scheme),
                           [](unsigned char c) { return std::isalpha(c) != 0; });
    return (known ? url.substr(0, scheme + 3) : std::string()) + std::string(kMask) + url.substr(at);
}

std::string percent_encode(std::string_view text) {
    return boost::urls::encode({text.data(), text.size()}, boost::urls::unreserved_chars);
}

}  // namespace glia
