// One listing of operators, sites or queues, read from its first page to its last: decisions only (spec:
// directory-and-statistics; DESIGN.md §2 directory, §3.4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "daemon/api/api_error.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/parse/directory_parser.hpp"
#include "daemon/sync/exit_status.hpp"

namespace glia {

/// The result of reading a listing, and the pause before the next read.
struct ListingResult {
    ExitStatus outcome;
    Milliseconds wait{};
    std::int64_t rejected = 0;  ///< records that could not be read
};

/// One listing under its lease: asks for pages until the listing is complete, refused or failed, and says how
/// to release the lease.
class ListingRead {
  public:
    ListingRead(SiteLease lease, const DirectorySettings& settings);

    // Bounds for an API whose listing never ends. A contact centre has thousands of operators.
    static constexpr std::int64_t kMaxPages = 2000;
    static constexpr std::size_t kMaxRecords = 200'000;

    struct FetchFirst {};
    struct Follow {
        std::string link;
    };
    /// The last three steps release the lease and end the read.
    struct Commit {
        std::shared_ptr<const DirectoryListing> listing;
    };
    /// The API refuses the listing to this token, or has no such endpoint. Not a failure.
    struct Refuse {
        DirectoryRefusal refusal;
    };
    /// The read failed, which adds a row to sync_runs, or the program stops.
    struct Release {
        SiteRelease release;
    };
    using Step = std::variant<FetchFirst, Follow, Commit, Refuse, Release>;

    const Step& next() const { return step_; }
    /// `attempts`: requests sent for the page; `fetched_at`: when it was requested, by the server's clock.
    void on_page(DirectoryPage page, int attempts, Instant fetched_at);
    /// A request failed. Only a refused first page is a refusal. `server_now`: the start of the read if no
    /// page was received.
    void on_error(const ApiError& error, Instant server_now);
    /// The program stops. The listing stays due, so that the next instance reads it at once.
    void stop();

    const SiteLease& lease() const { return lease_; }
    /// Final once a step gives the lease back.
    const ListingResult& result() const { return result_; }

  private:
    void commit();
    void refuse(std::string error);
    void fail(ExitStatus outcome, Instant began);
    void fail(std::string message);

    SiteLease lease_;
    DirectorySettings settings_;
    Step step_ = FetchFirst{};
    ListingResult result_;
    DirectoryListing listing_;
    std::set<std::string> links_;
};

/// True for the statuses with which the API refuses an endpoint to a token.
bool is_refusal(const ApiError& error);

// When a listing is read again.

/// Pause before a refused endpoint is requested again. The refusal is logged once in this time.
inline constexpr Seconds kRefusalPause{24 * 3600};
/// Pause after `failures` consecutive failures, this one included: a minute, doubled each time, at most an
/// hour or `every`.
Milliseconds listing_retry(Milliseconds every, int failures);

/// Adds to a site's entry the members that the API did not send and the configuration has.
void add_configured(SiteEntry& site, const DirectorySettings& settings);
/// The entry of a site that the API refuses, from the configuration alone; none if it does not name the site.
std::optional<SiteEntry> configured_site(const std::string& id, const DirectorySettings& settings);

}  // namespace glia
