// Decides which state of the API client survives a reload. Pure.
#pragma once

#include "daemon/config/settings.hpp"

namespace glia {

/// The state that the client of a new configuration takes over from the previous one.
struct Handover {
    bool rate_limit = false;   ///< the discovered limit, and a pause that the API asked for
    bool token = false;        ///< a minted token; a token in a file is read again anyway
    bool connections = false;  ///< idle connections
    bool operator==(const Handover&) const = default;
};

/// Each is kept if every setting that it depends on is the same.
inline Handover handover_of(const ApiSettings& before, const ApiSettings& after) {
    const bool same_api = before.base_url == after.base_url;
    return {same_api && before.rate_limit == after.rate_limit, same_api && before.auth == after.auth,
            same_api && before.ca_file == after.ca_file && before.proxy == after.proxy &&
                before.connect_timeout == after.connect_timeout &&
                before.request_timeout == after.request_timeout};
}

}  // namespace glia
