// Chooses the connection to close when a new one arrives and the maximum is reached. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace glia {

/// What a connection is doing, and since when.
struct PeerState {
    enum class Doing {
        reading,   ///< idle, or its request is still coming in
        handling,  ///< the handler prepares the response
        writing    ///< the response is being sent
    };
    Doing doing = Doing::reading;
    std::chrono::steady_clock::time_point since{};
};

/// Returns the index of the connection to close: the one that has been `reading` longest, otherwise the one
/// that has been `writing` longest. None if all are `handling`.
std::optional<std::size_t> connection_to_close(const std::vector<PeerState>& peers);

}  // namespace glia
