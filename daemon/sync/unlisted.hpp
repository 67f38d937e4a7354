// Finds stored engagements that a complete listing does not show, and decides which of them to request from
// the source (DESIGN.md §3.9). Decisions only; presence.hpp performs them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/sync/listed_ids.hpp"
#include "sinks/checkpoint.hpp"
#include "sinks/durations.hpp"
#include "sinks/state/verification_store.hpp"

namespace glia {

/// Remembers which unlisted engagements the source has, so that the instance does not request the same ones
/// after each pass. `now`: by the steady clock.
class PresenceMemory {
  public:
    /// Remembers that the source has an engagement that it does not list: for an hour at first, then for
    /// twice as long each time, at most for a day. Forgets all of them at 10,000.
    void note_present(const std::string& id, Milliseconds now);
    bool is_known_present(const std::string& id, Milliseconds now) const;
    /// True once a day for a site.
    bool should_warn(const std::string& site, Milliseconds now);

  private:
    struct Present {
        Milliseconds until{};
        Milliseconds remembered{};
    };
    std::map<std::string, Present> present_;
    std::map<std::string, Milliseconds> warned_;
};

/// A listing of a site that has read all of [from, to).
struct CompleteListing {
    Instant from{};
    Instant to{};
    std::shared_ptr<ListedIds> listed;
};

/// `counts`: of the commits of a listing. False if it showed engagements, and the site had listed none of
/// them before: then its range has probably never been read, and a search for unlisted engagements is not
/// worth its cost.
bool may_lack_stored(const CommitCounts& counts);

/// Compares one complete listing of a site with the stored engagements of its range. Read next_range() and
/// call on_stored() until there is no next range. `memory` must outlive it.
class Unlisted {
  public:
    Unlisted(CompleteListing listing, const PresenceMemory& memory, Milliseconds now)
        : listing_(std::move(listing)), memory_(memory), now_(now), after_(listing_.from - Seconds{1}) {}

    /// The next range to read. None if all was read, or if the listing is already implausible.
    std::optional<StoredRange> next_range() const;
    /// Takes the stored engagements of next_range().
    void on_stored(const StoredIds& stored);

    /// False if too many stored engagements are unlisted: then the listing is probably incomplete.
    bool is_plausible() const;
    /// The unlisted engagements to request now, at most kMostAsked. Later passes request the others. Empty if
    /// is_plausible() is false.
    std::vector<std::string> ids_to_request() const;
    std::int64_t stored() const { return stored_; }
    std::int64_t unlisted() const { return unlisted_; }

    /// Maximum requests per listing.
    static constexpr std::size_t kMostAsked = 50;
    /// Maximum rows per range.
    static constexpr std::int64_t kMostRead = 10'000;

  private:
    CompleteListing listing_;
    const PresenceMemory& memory_;
    Milliseconds now_;
    Instant after_;
    std::string after_id_;
    bool is_read_ = false;
    std::int64_t stored_ = 0, unlisted_ = 0;
    std::vector<std::string> unknown_;  // unlisted, and not known to be at the source
};

/// Complete listings of one site.
struct ListingBatch {
    std::string site;
    std::vector<CompleteListing> listings;
};

/// The listings of a backfill that wait to be compared, many per call of the sink.
class ListingBatches {
  public:
    /// Returns false and drops the listing if too many are waiting.
    bool add(const std::string& site, CompleteListing listing);
    /// Removes and returns the next batch, once kMostListings of a site wait. `all`: even if fewer wait.
    std::optional<ListingBatch> next(bool all);

    /// Maximum listings in a batch.
    static constexpr std::size_t kMostListings = 64;
    /// Maximum ids in all waiting listings. Bounds memory.
    static constexpr std::size_t kMostIds = ListedIds::kMost;

  private:
    std::map<std::string, std::vector<CompleteListing>> waiting_;
    std::size_t ids_ = 0;  ///< total number of ids in the waiting listings
};

}  // namespace glia
