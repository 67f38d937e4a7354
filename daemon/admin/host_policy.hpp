// Whose name a request to the admin address may use (RFC 9110 §7.2). A page in a browser can have its own
// name lead to 127.0.0.1 (DNS rebinding); the browser still sends that name, by which it is refused. Pure.
#pragma once

#include <string>
#include <vector>

namespace glia {

enum class HostVerdict {
    answered,   ///< a loopback name, an address, or an allowed name
    malformed,  ///< no Host, more than one, or one that is none
    refused     ///< another name
};

/// `hosts`: the values of all Host fields; `http_1_0`: then there may be none, as from old health checks,
/// which no browser is. `allowed`: further names, without a port.
HostVerdict judge_host(const std::vector<std::string>& hosts, bool http_1_0,
                       const std::vector<std::string>& allowed);

}  // namespace glia
