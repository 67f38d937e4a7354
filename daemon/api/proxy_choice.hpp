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

/// `api.proxy`, or else what the environment says to programs that use https, read as curl reads it:
/// HTTPS_PROXY, then ALL_PROXY, in either case, and NO_PROXY; empty ones count as unset.
/// Throws std::runtime_error with one line for a person, free of credentials, if the proxy is of a kind that
/// is not spoken (SOCKS, HTTPS to the proxy itself): passing it over would send requests another way than the
/// administrator wants. A proxy that no request would use is not looked at; `elsewhere`: requests go to other
/// hosts than that of `api.base_url`, too.
ProxyChoice choose_proxy(const ApiSettings& api, bool elsewhere, Environment environment);

}  // namespace glia
