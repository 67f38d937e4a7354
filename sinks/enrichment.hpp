// What enrichers fetch beside engagements and legs, and what becomes of it (DESIGN.md §2, enrich).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/records.hpp"

namespace glia {

/// The enrichers that work through a queue.
enum class Enricher { transcript, recording };
inline constexpr std::array<const char*, 2> kEnrichers{"transcript", "recording"};
inline const char* name_of(Enricher enricher) {
    return kEnrichers[static_cast<std::size_t>(enricher)];
}

/// What a writer asks for when an engagement is new or has changed.
struct EnrichmentWishes {
    bool transcripts = false;
    bool recordings = false;
    bool any() const { return transcripts || recordings; }
};

/// How far the engagements are known that came or changed while an enricher was off.
struct MissedCursor {
    std::string changed_at;  ///< of the last one, as the database writes it
    std::string engagement_id;
};

/// Which due ones to take; the newest engagements first.
struct EnrichmentClaim {
    Enricher enricher = Enricher::transcript;
    std::string owner;
    int limit = 0;
    Seconds ttl{};
};

/// What to fetch, as claimed.
struct EnrichmentJob {
    std::string engagement_id;
    std::string item;  ///< of a recording its URL at the API; else empty
    int attempts = 0;  ///< failed ones so far
};

/// A recording's file, complete on disk.
struct RecordingFile {
    std::string path;  ///< below the configured directory
    std::int64_t size_bytes = 0;
    std::string sha256;  ///< hexadecimal
};

/// What became of a claimed job.
struct EnrichmentOutcome {
    Enricher enricher = Enricher::transcript;
    EnrichmentJob job;
    OptionalInstant fetched_at;                        ///< set if it was fetched: when it was asked for
    std::optional<std::vector<ChatMessage>> messages;  ///< the whole transcript; none: it stays as it is
    std::optional<RecordingFile> file;
    std::string error;      ///< set if it failed
    Seconds retry_in{};     ///< when to try again, if it was not fetched
    bool attempted = true;  ///< false: handed back untouched
};

/// What became of settling an outcome.
enum class Settled {
    written,
    lost,   ///< the claim has passed to another instance; nothing was written
    erased  ///< what it was for has been erased meanwhile; nothing was written
};

/// How an enricher stands, for `status`.
struct EnricherStatus {
    std::string kind;
    std::int64_t waiting = 0;
    std::int64_t failing = 0;  ///< of those, with a failed attempt
    OptionalInstant last_success_at;
    OptionalText last_error;
    OptionalInstant last_error_at;
};

}  // namespace glia
