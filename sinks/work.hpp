// Work: what is fetched for an engagement beside its list item, one request each, and what becomes of it
// (DESIGN.md §4, "One kind of work queue").
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

/// What is fetched: the engagement with its legs, its chat transcript, one of its recordings.
enum class WorkKind { detail, transcript, recording };
inline constexpr std::array<const char*, 3> kWorkKinds{"detail", "transcript", "recording"};
inline const char* name_of(WorkKind kind) {
    return kWorkKinds[static_cast<std::size_t>(kind)];
}

/// Which due jobs to claim; the newest engagements first.
struct WorkClaim {
    WorkKind kind = WorkKind::detail;
    std::string owner;
    int limit = 0;
    Seconds ttl{};  ///< for so long nobody else claims them
};

/// A claimed job.
struct WorkJob {
    std::string engagement_id{};
    std::string item{};  ///< of a recording its URL at the API; else empty
    int attempts = 0;    ///< failed ones so far
    auto operator<=>(const WorkJob&) const = default;
};

/// A recording's file, complete on disk.
struct RecordingFile {
    std::string path;  ///< below the configured directory
    std::int64_t size_bytes = 0;
    std::string sha256;  ///< hexadecimal
};

/// What became of a claimed job.
struct WorkOutcome {
    WorkJob job{};
    OptionalInstant fetched_at{};  ///< set if it was fetched: when it was asked for. Done, unless something
                                   ///< newer is wanted
    std::string error{};           ///< set if it failed
    Seconds retry_in{};            ///< when to try again, if it was not fetched
    bool parked = false;           ///< failed for good or too often: retried less and less often
    bool attempted = true;         ///< false: handed back untouched
    std::optional<std::vector<ChatMessage>> messages{};  ///< the whole transcript; none: it stays as it is
    std::optional<RecordingFile> file{};
};

/// What became of writing an outcome.
enum class Settled {
    written,
    lost,   ///< the claim has passed to another instance; nothing was written
    erased  ///< what it was for has been erased meanwhile; nothing was written
};

}  // namespace glia
