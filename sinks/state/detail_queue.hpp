// The queue of engagements whose legs are still to be fetched.
#pragma once

#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"

namespace glia {

/// Which due details to take.
struct DetailClaim {
    std::string owner;
    int limit = 0;
    Seconds ttl{};  ///< for so long nobody else takes them
};

/// Entries come with Sink::commit(), and leave with it (Batch::details).
class DetailQueue {
  public:
    virtual ~DetailQueue() = default;

    /// Moves ongoing engagements that are due (or all of them) into the queue. Returns how many.
    virtual std::int64_t enqueue_ongoing(bool all) = 0;
    virtual std::vector<DetailJob> claim(const DetailClaim& claim) = 0;
    /// Prolongs claims that have not passed to another owner.
    virtual void renew(const std::string& owner, const std::vector<std::string>& engagements,
                       Seconds ttl) = 0;
    /// Entries waiting and due now, not parked; claimed ones included.
    virtual std::int64_t due() = 0;
};

}  // namespace glia
