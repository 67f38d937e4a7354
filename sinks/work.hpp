// Work: further data to fetch for an engagement, one request each, and its outcome (DESIGN.md §4, "One kind
// of work queue").
#pragma once

#include <array>
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
};

/// The result of writing an outcome.
enum class ClaimResult {
    written,
    lost,   ///< the claim has passed to another instance; nothing was written
    erased  ///< the engagement was erased meanwhile; nothing was written
};

}  // namespace glia
