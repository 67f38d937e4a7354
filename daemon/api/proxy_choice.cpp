#include "daemon/api/proxy_choice.hpp"

#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace glia {
namespace {

constexpr const char* kUnsupportedProxy =
    " names no proxy that glia-sync can use: it must be http://HOST:PORT, a proxy that is asked with CONNECT "
    "(not SOCKS, not https://)";

/// The first of the variables that is set, with its name.
std::optional<std::pair<std::string, std::string>> first_set(Environment environment,
                                                             std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (auto value = environment(name); value && !value->empty())
            return std::pair{name, *std::move(value)};
    }
    return std::nullopt;
}

}  // namespace

ProxyChoice choose_proxy(const ApiSettings& api, bool elsewhere, Environment environment) {
    ProxyChoice choice;
    if (!api.proxy.empty()) {
        choice.proxy = parse_proxy(api.proxy);
        if (!choice.proxy) throw std::runtime_error(std::string("api.proxy") + kUnsupportedProxy);
        return choice;
    }
    const auto base = parse_url(api.base_url);
    if (!base || base->origin.scheme != "https") return choice;
    const auto named = first_set(environment, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
    if (!named) return choice;
    if (const auto exempt = first_set(environment, {"no_proxy", "NO_PROXY"}))
        choice.no_proxy = exempt->second;
    const bool used = !bypasses_proxy(base->origin.host, choice.no_proxy) ||
                      (elsewhere && !bypasses_proxy("", choice.no_proxy));
    if (!used) return choice;
    choice.proxy = parse_proxy(named->second);
    if (!choice.proxy) {
        throw std::runtime_error("the environment variable " + named->first + kUnsupportedProxy +
                                 "; correct it, set api.proxy, or exempt the API's host in NO_PROXY");
    }
    return choice;
}

}  // namespace glia
