// Parses URLs into the two parts that a request needs: its origin and its target.
// By hand: Boost.URL, which parses authorities here, refuses links that RFC 3986 does not allow; next_page is
// followed byte for byte (DESIGN.md §3.4).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// The server that a request is sent to. URLs of one origin may share connections and the token.
struct Origin {
    std::string scheme;  ///< http or https
    std::string host;    ///< lower case; an IPv6 address without brackets
    std::string port;    ///< always given: 80 and 443 where the URL names none
    bool operator==(const Origin&) const = default;
};

/// A URL split into the origin and the rest, which is kept byte for byte.
struct Url {
    Origin origin;
    std::string target;  ///< path and query as they stood; "/" if there was nothing
    bool operator==(const Url&) const = default;
};

/// Splits an absolute http(s) URL. The target may hold any bytes except spaces, control characters and '#':
/// the API itself sends brackets in queries, which RFC 3986 does not allow. Returns none for a URL with user
/// information.
std::optional<Url> parse_url(std::string_view text);

/// Resolves a link against the URL of the page that carried it (RFC 3986 §5.2). An absolute link stays byte
/// for byte. A relative link keeps its query byte for byte; dot segments of its path are removed. Returns
/// none if parse_url() refuses the result.
std::optional<Url> resolve_link(const Url& carrier, std::string_view link);
/// True if the link begins with a scheme.
bool is_absolute(std::string_view link);

/// Where a proxy listens, with what to send as Basic credentials (`user:password`, may be empty).
struct Proxy {
    std::string host;
    std::string port;
    std::string credentials;
    bool operator==(const Proxy&) const = default;
};
/// Reads [http://][user:password@]host[:port]; the default port is 3128.
std::optional<Proxy> parse_proxy(std::string_view text);
/// True if NO_PROXY (comma-separated hosts, domain suffixes, `*`) exempts the host.
bool bypasses_proxy(const std::string& host, const std::string& no_proxy);

bool is_loopback(const Origin& origin);
/// `https://api.glia.com`, with the port if it is not the scheme's own.
std::string to_text(const Origin& origin);
/// The whole URL; parse_url() reads it back.
std::string to_text(const Url& url);
/// Reports why a URL of the configuration is invalid, without quoting it; none if it is valid. Unlike
/// parse_url(), it refuses any @ and #: they come from a user, a password or a fragment.
std::optional<std::string> url_problem(std::string_view text);
/// Reports why parse_proxy() refuses a proxy, without quoting it.
std::optional<std::string> proxy_problem(std::string_view text);
/// The URL, absolute or relative, fit for logs: everything but the scheme is masked up to the last @, because
/// an unencoded password may contain : / ? # @.
std::string mask_url(const std::string& url);
/// Percent-encodes everything but unreserved characters.
std::string percent_encode(std::string_view text);

}  // namespace glia
