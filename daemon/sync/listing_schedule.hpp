// Which listing is read next, and when: decisions only (DESIGN.md §2 directory). Instances share the listings
// by leases; the database knows when each is due.
#pragma once

#include <variant>
#include <vector>

#include "daemon/sync/listing_read.hpp"

namespace glia {

/// The listings of one instance. Times are those of any clock that only goes forward.
class ListingSchedule {
  public:
    explicit ListingSchedule(std::vector<SiteKey> listings);

    /// Acquire the listing's lease (`force`: even if it is not due) and read it, then on_result().
    struct Read {
        std::size_t listing = 0;
        SiteKey key;
        bool force = false;
    };
    struct Wait {
        Milliseconds duration{};
    };
    /// Returns the listing that has been due the longest, or the time until one is due. At the start, every
    /// listing is read, even if it is not due or was refused lately.
    std::variant<Read, Wait> next(Milliseconds now) const;
    void on_result(const Read& read, const ListingResult& result, Milliseconds now);

    // Maximum pause before the lease of a listing is requested again, if another instance holds it or the
    // database says that it is not due: that instance may die, and `directory.every` may become shorter.
    static constexpr Milliseconds kLongestWait{600'000};

  private:
    struct Listing {
        SiteKey key;
        Milliseconds due_at = Milliseconds::min();
        bool force = true;
    };
    std::vector<Listing> listings_;
};

/// The result if the lease was not acquired: another instance holds it, or the listing is not due.
ListingResult listing_not_leased(const SiteAcquired& acquired);
/// The result if the sink failed, before or after the listing was read.
ListingResult listing_not_stored(ExitStatus outcome, const DirectorySettings& settings);

}  // namespace glia
