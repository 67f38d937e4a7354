// Storage of operators, sites and queues, with the state of their streams.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/directory.hpp"

namespace glia {

/// One listing of a site, read to its end.
struct DirectoryListing {
    DirectoryRecords records;
    Instant fetched_at{};                    ///< when its first page was requested, by the API server's clock
    std::vector<RejectedRecord> rejected{};  ///< the unreadable records
    std::int64_t pages = 0;
    std::int64_t requests = 0;
    Seconds next_in{};  ///< until the next one is due

    /// False if a record could not be read: then a stored record that is not among `records` may still be
    /// listed.
    bool every_record_known() const { return rejected.empty(); }
};

/// A listing that the API refuses.
struct DirectoryRefusal {
    std::string error;
    Seconds retry_in{};
    Seconds warn_every{};
    /// The site's entry in the configuration; stored unless the API has sent one.
    std::optional<SiteEntry> configured;
};

struct DirectoryCounts {
    std::int64_t inserted = 0;
    std::int64_t changed = 0;
    std::int64_t unchanged = 0;
    std::int64_t missing = 0;   ///< no longer listed
    std::int64_t returned = 0;  ///< listed again
    bool operator==(const DirectoryCounts&) const = default;
};

/// The default implementation stores nothing, for destinations without a directory.
class DirectoryStore {
  public:
    virtual ~DirectoryStore() = default;

    /// False if listings need not be read.
    virtual bool keeps_directory() const { return false; }
    /// Writes a listing's changes and releases the stream's lease in one transaction. Throws `lease_lost` if
    /// the lease has passed to another instance. Repeating the call, after its result was lost, is not
    /// refused and changes nothing.
    virtual DirectoryCounts commit_listing(const SiteTarget& /*lease*/, const DirectoryListing&) {
        return {};
    }
    /// Releases the lease of a listing that the API refuses. Marks nothing as missing. Returns true if a
    /// warning is due, and records that it was given. Does nothing if the lease is no longer held.
    virtual bool refuse_listing(const SiteTarget& /*lease*/, const DirectoryRefusal&) { return false; }
    /// False if the destination does not know the time zone: local times of sites in it are in UTC.
    virtual bool knows_time_zone(const std::string& /*iana_name*/) { return true; }
    /// Returns the known names of the sites `ids`, by id.
    virtual std::map<std::string, std::string> site_names(const std::vector<std::string>& /*ids*/) {
        return {};
    }
};

}  // namespace glia
