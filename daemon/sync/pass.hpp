// One pass over a site's listing, from the first page to `next_page: null`: decisions only, no I/O and no
// clock.
//
// The rules are DESIGN.md §3.3 (when the watermark may move) and §3.4 (how next_page is treated).
#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>
#include <variant>

#include "sinks/checkpoint.hpp"

namespace glia {

/// Requests the first page of the window.
struct FirstPageRequest {
    Instant start{};
    OptionalInstant end;
    bool operator==(const FirstPageRequest&) const = default;
};
/// Requests the page of this link.
struct LinkedPageRequest {
    std::string link;
    bool operator==(const LinkedPageRequest&) const = default;
};
using PageRequest = std::variant<FirstPageRequest, LinkedPageRequest>;

/// The properties of a page that a pass needs.
struct PageInput {
    Instant asked_at{};  ///< when it was requested, by the server's clock: a lower bound, because it may
                         ///< become a watermark
    OptionalText next_page;
    std::int64_t engagements = 0;
    std::int64_t rejected = 0;
    std::int64_t requests = 1;  ///< retries included
};

/// Why a link could not be followed.
enum class LinkFailure {
    gone,       ///< the server no longer knows the cursor: the window is read again from its first page
    untrusted,  ///< another origin: the pass ends, and the link is not kept
    transient   ///< worth a retry: the link is kept for the next attempt
};

class Pass {
  public:
    /// Continues `pass` at its next_page if it has one. The last checkpoint of an incremental pass also
    /// performs `release`.
    Pass(PassTarget target, OpenPass pass, std::optional<SiteRelease> release = std::nullopt);

    /// The next request. Call it only while neither complete() nor failed().
    PageRequest next() const;

    /// Takes a page. Afterwards the pass is complete, has failed, or continues. The caller commits the page's
    /// records in each case.
    void on_page(const PageInput& page);
    /// The link that next() returned could not be followed. Returns true if the pass restarts from its first
    /// page.
    bool on_link_failure(LinkFailure failure, const std::string& message);

    bool complete() const { return complete_; }
    bool failed() const { return !error_.empty(); }
    const std::string& error() const { return error_; }

    /// The position after the pages taken so far, to be committed with their records.
    PassCheckpoint checkpoint() const;
    const OpenPass& position() const { return pass_; }
    /// The checkpoint moves the watermark.
    bool is_incremental() const { return std::holds_alternative<SiteTarget>(target_); }

    // Without a limit, a pass whose cursors keep expiring would restart for ever.
    static constexpr int kMaxRestarts = 3;

  private:
    void forget_link() { pass_.next_page.reset(); }

    PassTarget target_;
    OpenPass pass_;
    std::optional<SiteRelease> release_;
    std::unordered_set<std::size_t> seen_links_;  // hashes of links, which need less memory
    std::int64_t requests_ = 0;
    std::int64_t rejected_ = 0;
    int restarts_ = 0;
    bool complete_ = false;
    std::string error_;
};

}  // namespace glia
