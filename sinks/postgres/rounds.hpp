// What a commit writes of its batches, and in what order.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/merge.hpp"

namespace glia::postgres {

/// One record on its way into the tables.
struct Work {
    const FetchedEngagement* fetched = nullptr;
    std::size_t part = 0;  ///< which batch it comes from
    IncomingState incoming;
    std::optional<StoredState> stored;
    RecordHash core_hash_was;  // as it is in the row, in whichever form
    MergePlan plan;
    bool site_known = false;
    bool rejected_before = false;  // and not settled since
    bool ongoing_before = false;   // and has to be told if it is not any more
    bool as_stored = false;        // what it shows is stored
    bool familiar = false;         // and that its site lists it, so that nothing is to be done
    bool presumed_new = false;     // its time was looked at, and it was not there

    const Engagement& engagement() const { return fetched->engagement; }
    const std::string& site() const { return fetched->site_id; }
    std::string_view id() const { return *fetched->engagement.id; }
};

/// What is written of some batches at once: in the order of ids, which is the order of locks, each id once.
/// Of one id twice in a batch, the later record counts; in two batches, the second is left for the next
/// round. The records stay the batches'.
std::vector<std::vector<Work>> rounds(const std::vector<const Batch*>& batches);

}  // namespace glia::postgres
