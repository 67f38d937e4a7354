// One listing of operators, sites or queues, read from its first page to its last: decisions only (spec:
// directory-and-statistics; DESIGN.md §2 directory, §3.4).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "daemon/api/api_error.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/parse/directory_parser.hpp"
#include "sinks/state/directory_store.hpp"

namespace glia {

/// Asks for pages until the listing has been read, is refused, or has failed.
class ListingRead {
  public:
    // Bounds for an API whose listing never ends. A contact centre has thousands of operators.
    static constexpr std::int64_t kMaxPages = 2000;
    static constexpr std::size_t kMaxRecords = 200'000;

    struct FetchFirst {};
    struct Follow {
        std::string link;
    };
    struct Commit {};
    /// The API does not let this token read it, or does not have it: no failure.
    struct Refused {
        std::string error;
    };
    struct Failed {
        ApiError error;
    };
    using Step = std::variant<FetchFirst, Follow, Commit, Refused, Failed>;

    const Step& next() const { return step_; }
    /// `attempts`: requests sent for the page; `fetched_at`: when it was asked for, by the server's clock.
    void on_page(DirectoryPage page, int attempts, Instant fetched_at);
    void on_error(ApiError error);

    /// What has been read so far.
    DirectoryListing& listing() { return listing_; }
    /// Why records could not be read; the first of them. Empty: all could.
    const std::string& first_rejection() const { return first_rejection_; }

  private:
    void fail(std::string message);

    Step step_ = FetchFirst{};
    DirectoryListing listing_;
    std::set<std::string> links_;
    std::string first_rejection_;
};

/// True for the statuses with which the API refuses an endpoint to a token.
bool is_refusal(const ApiError& error);

// When a listing is asked for again.

/// A refused endpoint is left alone for so long, and the log tells of it as often.
inline constexpr Seconds kRefusalRest{24 * 3600};
/// After `failures` in a row, this one included: a minute, twice as long each time, at most an hour or
/// `every`.
Milliseconds listing_retry(Milliseconds every, int failures);

// What the configuration adds to what the API tells of a site: what the API did not tell.

void add_configured(SiteEntry& site, const DirectorySettings& settings);
/// All of a site that may not be read; none if the configuration says nothing of it.
std::optional<SiteEntry> configured_site(const std::string& id, const DirectorySettings& settings);

}  // namespace glia
