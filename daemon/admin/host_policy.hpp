// Checks the Host header of requests to the admin address (RFC 9110 §7.2), against DNS rebinding: a website
// can make its own name resolve to 127.0.0.1, but the browser still sends that name as the Host. Pure.
#pragma once

#include <string>
#include <vector>

namespace glia {

enum class HostVerdict {
    allowed,    ///< localhost, an IP address, or an allowed name
    malformed,  ///< no Host header, more than one, or an invalid one
    refused     ///< another name
};

/// `hosts`: the values of all Host headers. `http_1_0`: the header may be absent, as from old health checks;
/// no browser uses HTTP/1.0. `allowed`: further names, without ports. Compares names without regard to case.
HostVerdict judge_host(const std::vector<std::string>& hosts, bool http_1_0,
                       const std::vector<std::string>& allowed);

}  // namespace glia
