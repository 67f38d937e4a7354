// The report of `status` (DESIGN.md §1), as plain values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sinks/enrichment.hpp"
#include "sinks/records.hpp"
#include "sinks/stream.hpp"
#include "sinks/volume.hpp"

namespace glia {

struct SiteStatus {
    std::string site_id;
    OptionalInstant synced_through;
    std::optional<double> lag_seconds;  ///< by the database's clock
    OptionalInstant last_success_at;
    OptionalText last_error;
    OptionalInstant last_error_at;
    OptionalInstant next_poll_at;
    OptionalText lease_owner;  ///< only while the lease holds
    OptionalInstant lease_expires_at;
    std::int64_t rejected = 0;                          ///< unresolved records of the stream
    std::string stream = name_of(Stream::engagements);  ///< or one that only a newer program knows
    OptionalText name{};                                ///< of the site, if it is known
    OptionalText refusal{};    ///< the error with which the API refuses the stream; none: it does not
    std::int64_t missing = 0;  ///< engagements that the source no longer has
    OptionalInstant verified_through{};  ///< end of the newest day that `verify` found in order, or repaired
    OptionalInstant verified_at{};       ///< when it did
    std::optional<VolumeStatus> volume{};  ///< of its newest hours; none: nothing is counted yet
};

/// True if the last pass of a site, or the last drain of an enricher, ended with an error.
inline bool is_failing(const auto& status) {
    return status.last_error_at &&
           (!status.last_success_at || *status.last_error_at > *status.last_success_at);
}

/// The report's entry for a site's stream; null: there is none.
inline const SiteStatus* find_site(const std::vector<SiteStatus>& sites, const std::string& site_id,
                                   Stream stream = Stream::engagements) {
    for (const SiteStatus& known : sites) {
        if (known.site_id == site_id && known.stream == name_of(stream)) return &known;
    }
    return nullptr;
}

struct BackfillStatus {
    Instant from{};
    Instant to{};
    std::int64_t windows_done = 0;
    std::int64_t windows_total = 0;
    std::int64_t engagements = 0;
    std::optional<double> seconds_left;  ///< the running instance's estimate; none: no recent one
    std::string stream = name_of(Stream::engagements);
};

/// A row of sync_runs.
struct RunStatus {
    std::string mode;
    OptionalText site_id;
    OptionalInstant started_at;
    Instant finished_at{};
    std::int64_t pages = 0;
    std::int64_t engagements = 0;
    std::int64_t rejected = 0;
    OptionalText error;
    std::int64_t times = 1;  ///< consecutive occurrences; more than 1 only for a repeated failure
    std::string stream = name_of(Stream::engagements);
    OptionalInstant window_from{}, window_to{};  ///< the range that was read; no `window_to`: no end
    std::int64_t requests = 0;
};

/// The latest result of `verify` for a site's newest verified day.
struct NewestVerification {
    std::int64_t day = 0;  ///< in UTC, in days since 1970
    std::int64_t listed = 0, stored = 0, missing = 0, different = 0, gone = 0, repaired = 0;
    OptionalInstant verified_at;

    std::int64_t open_differences() const { return missing + different + gone - repaired; }
};

/// What happened lately, for the status page.
struct History {
    static constexpr std::size_t kHours = 24;
    std::vector<RunStatus> runs;  ///< the newest first
    /// By site: engagements by the hour of their created_at; the last one is the hour up to now.
    std::map<std::string, std::array<std::int64_t, kHours>> engagements_by_hour;
    std::map<std::string, NewestVerification> newest_verifications;  ///< by site; none: never verified
};

/// How far the API's clock is ahead of the clock of a machine that runs glia-sync, as last measured there
/// (DESIGN.md §3.10).
struct ClockStatus {
    std::string machine;  ///< its boot id
    double ahead_seconds = 0;
    OptionalInstant found_at;  ///< when it was measured; none: not recorded
};

/// A member that is undocumented, or not of its documented type (undocumented_members).
struct UndocumentedStatus {
    std::string path;
    std::string kind;  ///< unknown, type or value
    Instant first_seen_at{};
    Instant last_seen_at{};
    std::int64_t times_seen = 0;
    bool is_new = false;  ///< first seen within the last 7 days
};

struct StatusReport {
    std::vector<SiteStatus> sites;
    std::int64_t details_waiting = 0;
    std::int64_t details_parked = 0;
    std::int64_t rejected = 0;
    std::vector<BackfillStatus> backfills;                 ///< unfinished ones
    std::vector<EnricherStatus> enrichers;                 ///< those that have run or have work waiting
    std::vector<ClockStatus> clocks;                       ///< of each machine
    std::vector<UndocumentedStatus> undocumented_members;  ///< the newest first, at most 100
    int schema_version = 0;
    OptionalInstant installed_at{};  ///< when the schema was created; none: not recorded
};

}  // namespace glia
