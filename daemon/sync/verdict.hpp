// Decides when a comparison of an engagement with the source counts as a difference (DESIGN.md §1, verify).
// Pure.
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

/// `recheck`: observe the engagement again after a recheck delay.
enum class Verdict { difference, no_difference, recheck };

/// Judges `now`, an observation that shows a difference.
///
/// `before`: the observation before it, a recheck delay earlier. `observations`: their number, including
/// `now`. `others_write`: a service reads the site at the same time.
///
/// If others write, or if the row is newer than the response, the difference counts only once two consecutive
/// observations have the same content, row and finding: if they differ, a change is still being synced. After
/// six observations without two that agree, it does not count.
Verdict judge(const std::optional<SourceObservation>& before, const SourceObservation& now, int observations,
              bool others_write);

/// Returns how long the service may take to store the source's current state: a pass and its details, at most
/// ten minutes. Zero if no service reads the site. `now`: an estimate of the database's clock.
Milliseconds recheck_delay(const SiteStatus* site, Milliseconds poll_every, Instant now);

/// True if `gone` is a plausible number of deleted engagements of a listing's range. More than a fifth of the
/// `stored` ones indicates an incomplete listing or a failing API. Five are always plausible.
bool is_plausibly_gone(std::int64_t gone, std::int64_t stored);
/// Returns the largest number of stored engagements that is plausible if `listed` were listed.
std::int64_t most_plausibly_stored(std::int64_t listed);

/// True for the given share of all ids, in [0, 1]. `salt` selects which.
bool is_sampled(const std::string& engagement_id, const std::string& salt, double share);

}  // namespace glia
