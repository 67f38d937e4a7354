// Where the names of operators, sites and queues are kept, with the state of their streams.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinks/checkpoint.hpp"
#include "sinks/directory.hpp"

namespace glia {

/// One listing of a site, read to its end.
struct DirectoryListing {
    DirectoryRecords records;
    Instant fetched_at{};  ///< when its first page was asked for, by the server's clock
    /// False if a record could not be read: who is not among `records` may have been listed all the same.
    bool every_record_known = true;
    std::int64_t pages = 0;
    std::int64_t requests = 0;
    std::int64_t rejected = 0;
    Seconds next_in{};  ///< until the next one is due
};

/// A listing that the API refuses.
struct DirectoryRefusal {
    std::string error;
    Seconds retry_in{};
    Seconds warn_every{};
    /// What the configuration tells of the site; stored unless the API has told something.
    std::optional<SiteEntry> configured;
};

struct DirectoryCounts {
    std::int64_t inserted = 0;
    std::int64_t changed = 0;
    std::int64_t unchanged = 0;
    std::int64_t missing = 0;   ///< listed no more
    std::int64_t returned = 0;  ///< listed again
    bool operator==(const DirectoryCounts&) const = default;
};

/// The defaults keep nothing: for destinations without tables of names.
class DirectoryStore {
  public:
    virtual ~DirectoryStore() = default;

    /// False: listings need not be read.
    virtual bool keeps_directory() const { return false; }
    /// Writes what a listing changed, and gives the stream's lease back: one transaction. Throws `lease_lost`
    /// if the lease has passed to another instance; the same again, after an answer that was lost, is not
    /// refused and changes nothing.
    virtual DirectoryCounts commit_listing(const SiteTarget& /*lease*/, const DirectoryListing&) {
        return {};
    }
    /// Gives the lease of a listing back that the API refuses; nothing is missing for it. True if a warning
    /// is due, which it then counts as given. Does nothing if the lease is no longer held.
    virtual bool refuse_listing(const SiteTarget& /*lease*/, const DirectoryRefusal&) { return false; }
    /// Those of `ids` whose site has this name.
    virtual std::vector<std::string> sites_named(const std::string& /*name*/,
                                                 const std::vector<std::string>& /*ids*/) {
        return {};
    }
};

}  // namespace glia
