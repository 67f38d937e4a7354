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

/// Ask for the first page of the window.
struct AskFirst {
    Instant start{};
    OptionalInstant end;
    bool operator==(const AskFirst&) const = default;
};
/// Ask for the page behind this link.
struct AskLink {
    std::string link;
    bool operator==(const AskLink&) const = default;
};
using Ask = std::variant<AskFirst, AskLink>;

/// A page that came, as far as the pass must know it.
struct PageFacts {
    Instant asked_at{};  ///< by the server's clock, and rather too early than too late: a watermark may rest
                         ///< on it
    OptionalText next_page;
    std::int64_t engagements = 0;
    std::int64_t rejected = 0;
    std::int64_t requests = 1;  ///< retries included
};

/// Why a link led nowhere.
enum class LinkTrouble {
    gone,       ///< the server no longer knows the cursor: the window is read again from its first page
    untrusted,  ///< another origin: the pass ends, and the link is not kept
    passing     ///< a failure that may go away: the link is kept for the next attempt
};

class Pass {
  public:
    /// Goes on with `pass` where it stands: at its next_page if it has one. `release`: given back with the
    /// last checkpoint, if that is an incremental pass's.
    Pass(PassTarget target, OpenPass pass, std::optional<SiteRelease> release = std::nullopt);

    /// What to ask for next. Not after complete() or failed().
    Ask next() const;

    /// Takes a page. Its records belong into the batch in any case; afterwards the pass is complete, has
    /// failed, or goes on.
    void on_page(const PageFacts& page);
    /// The link that next() gave could not be followed. True if the pass goes on (from its first page).
    bool on_link_trouble(LinkTrouble trouble, const std::string& message);

    bool complete() const { return complete_; }
    bool failed() const { return !error_.empty(); }
    const std::string& error() const { return error_; }

    /// The position after the pages taken so far, to be committed with their records.
    PassCheckpoint checkpoint() const;
    const OpenPass& position() const { return pass_; }

    // Cursors that end again and again would be restarted for ever.
    static constexpr int kMaxRestarts = 3;

  private:
    void forget_link() { pass_.next_page.reset(); }

    PassTarget target_;
    OpenPass pass_;
    std::optional<SiteRelease> release_;
    std::unordered_set<std::size_t> seen_links_;  // hashes: a pass of a million pages keeps 16 MB less
    std::int64_t requests_ = 0;
    std::int64_t rejected_ = 0;
    int restarts_ = 0;
    bool complete_ = false;
    std::string error_;
};

}  // namespace glia
