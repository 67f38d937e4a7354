#include "daemon/admin/connection_places.hpp"

namespace glia {

std::optional<std::size_t> connection_to_close(const std::vector<PeerState>& peers) {
    for (const auto doing : {PeerState::Doing::reading, PeerState::Doing::writing}) {
        std::optional<std::size_t> oldest;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            if (peers[i].doing == doing && (!oldest || peers[i].since < peers[*oldest].since)) oldest = i;
        }
        if (oldest) return oldest;
    }
    return std::nullopt;
}

}  // namespace glia
