// Work: further data to fetch for an engagement, one request each, and its outcome (DESIGN.md §4, "One kind
// of work queue").
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/durations.hpp"
#include "sinks/records.hpp"

namespace glia {

/// The data to fetch: the engagement with its legs, its chat transcript, or one of its recordings.
enum class WorkKind { detail, transcript, recording };
inline constexpr std::array<const char*, 3> kWorkKinds{"detail", "transcript", "recording"};
inline const char* name_of(WorkKind kind) {
    return kWorkKinds[static_cast<std::size_t>(kind)];
}

/// Which due jobs to claim; the newest engagements first.
struct WorkClaim {
    WorkKind kind = WorkKind::detail;
    std::string instance_id;
    int limit = 0;
    Seconds ttl{};  ///< duration of the claims
};

/// A claimed job.
struct WorkJob {
    std::string engagement_id{};
    std::string item{};  ///< a recording's URL at the API; empty for other kinds
    int attempts = 0;    ///< failed attempts so far
    auto operator<=>(const WorkJob&) const = default;
};

/// A recording's file, complete on disk.
struct RecordingFile {
    std::string path;  ///< relative to the configured directory
    std::int64_t size_bytes = 0;
    std::string sha256;  ///< hexadecimal
};

/// The outcome of a claimed job.
struct WorkOutcome {
    WorkJob job{};
    OptionalInstant fetched_at{};  ///< set if it was fetched: when it was requested. Completes the job,
                                   ///< unless the job needs a later response
    std::string error{};           ///< set if it failed
    Seconds retry_in{};            ///< when to try again, if it was not fetched
    bool parked = false;           ///< failed permanently or too often: retried ever more rarely
    bool attempted = true;         ///< false: released without an attempt
    std::optional<std::vector<ChatMessage>> messages{};  ///< the whole transcript; none: keep the stored one
    std::optional<RecordingFile> file{};
    /// When it was requested, by the process's steady clock. The clock's maximum means unknown.
    std::chrono::steady_clock::time_point sent_at = std::chrono::steady_clock::time_point::max();
};

/// A job that needs a response later than this was queued by an API server's clock that was ahead and has
/// been corrected since: the time is in the future, as in is_in_future(), and any response completes the job.
/// None if the age of the response is unknown. `now`: by the process's steady clock.
inline OptionalInstant latest_wanted_after(const WorkOutcome& outcome,
                                           std::chrono::steady_clock::time_point now) {
    if (!outcome.fetched_at || outcome.sent_at > now) return std::nullopt;
    const auto age = std::chrono::duration_cast<std::chrono::microseconds>(now - outcome.sent_at);
    return *outcome.fetched_at + age + kClockTolerance;
}

/// The result of writing an outcome.
enum class ClaimResult {
    written,
    lost,   ///< the claim has passed to another instance; nothing was written
    erased  ///< the engagement was erased meanwhile; nothing was written
};

}  // namespace glia
