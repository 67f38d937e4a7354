// When a comparison of an engagement with the source counts as a difference: decisions only (DESIGN.md §1,
// verify).
#pragma once

#include <optional>
#include <string>

#include "sinks/checkpoint.hpp"
#include "sinks/durations.hpp"
#include "sinks/state/verification_store.hpp"
#include "sinks/status.hpp"

namespace glia {

/// The response of GET /engagements/{id}, and how the tables differed from it right after.
struct SourceObservation {
    ContentHashes content;
    RecordComparison comparison;
};

enum class Verdict { difference, no_difference, recheck };

/// `before`: the observation before `now`, a recheck delay earlier. `observations`: how many there are, `now`
/// among them. `others_write`: the service reads the site at the same time. Then a difference counts only if
/// source and tables are the same at two observations: a change in between is still being synced. An
/// engagement that changes at every observation is no difference.
Verdict judge(const std::optional<SourceObservation>& before, const SourceObservation& now, int observations,
              bool others_write);

/// How long the service may take to store the source's current state: a pass and its details. Zero if no
/// service reads the site. `now`: an estimate of the database's clock.
Milliseconds recheck_delay(const SiteStatus* site, Milliseconds poll_every, Instant now);

/// True if `gone` is a plausible number of deleted engagements of a site and day. More than a fifth of the
/// stored ones indicates an incomplete listing or a failing API.
bool is_plausibly_gone(std::int64_t gone, std::int64_t stored);
/// The largest number of stored engagements that is plausible if `listed` were listed.
std::int64_t most_plausibly_stored(std::int64_t listed);

/// True for the given share of all ids. `salt` selects which.
bool is_sampled(const std::string& engagement_id, const std::string& salt, double share);

}  // namespace glia
