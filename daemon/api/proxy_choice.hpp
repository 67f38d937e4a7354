// Which proxy requests go through (DESIGN.md §2, api.proxy).
#pragma once

#include <optional>
#include <string>

#include "daemon/base/url.hpp"
#include "daemon/config/settings.hpp"

namespace glia {

struct ProxyChoice {
    std::optional<Proxy> proxy;
    std::string no_proxy;  ///< hosts that are reached without it; not applied to api.proxy
};

/// Returns `api.proxy` or, if it is empty and `api.base_url` is https, the proxy of the environment by curl's
/// rules: https_proxy, then all_proxy, and no_proxy; each in lower case first, then in upper case. An empty
/// variable counts as unset. Throws std::runtime_error with a one-line message, free of credentials, if the
/// proxy's protocol is not supported (SOCKS, HTTPS to the proxy itself): ignoring it would bypass a proxy
/// that the administrator wants. A proxy that no request would use is not checked. `elsewhere`: requests also
/// go to hosts other than that of `api.base_url`.
ProxyChoice choose_proxy(const ApiSettings& api, bool elsewhere, Environment environment);

}  // namespace glia
