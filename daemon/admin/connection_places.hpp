// Which connection to the admin address makes room for another. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace glia {

/// What a connection is at, and since when.
struct PeerState {
    enum class Doing {
        reading,    ///< idle, or its request is still coming in
        answering,  ///< the answer is being made
        writing     ///< the answer is going out
    };
    Doing doing = Doing::reading;
    std::chrono::steady_clock::time_point since{};
};

/// The connection that is closed when there are as many as may be: the oldest that is idle or slow to ask,
/// else the oldest that is slow to read. None: all are waiting for our responses.
std::optional<std::size_t> who_makes_room(const std::vector<PeerState>& peers);

}  // namespace glia
