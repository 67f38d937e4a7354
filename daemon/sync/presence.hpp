// After a complete listing, requests each stored engagement that was not listed, and marks those that the
// source does not have (DESIGN.md §3.9).
#pragma once

#include <memory>
#include <string>

#include "daemon/sync/instance.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/unlisted.hpp"

namespace glia {

/// Checks the listing of a revisit. `pass`: the result of the revisit, which read the site from `from` on.
/// Does nothing if the pass was incomplete, or if the configuration or the destination makes the decision
/// impossible. Ignores failures: the next pass tries again.
Task<> mark_unlisted(Instance& instance, std::string site, Instant from, PassResult pass);

/// The same for the windows of a backfill. Compares many windows per call of the sink, one call at a time.
/// Loop's thread only. Keeps itself alive after the backfill until its work is done; `instance` must live as
/// long, so wait for Instance::background.
class UnlistedSearch : public std::enable_shared_from_this<UnlistedSearch> {
  public:
    explicit UnlistedSearch(Instance& instance) : instance_(instance) {}

    /// `pass` has read the window [from, to).
    void add(const std::string& site, Instant from, OptionalInstant to, const PassResult& pass);
    /// No window follows: compares the rest.
    void finish();

  private:
    void start();
    static Task<> run(std::shared_ptr<UnlistedSearch> self, ListingBatch batch);

    Instance& instance_;
    ListingBatches waiting_;
    bool is_running_ = false, is_last_ = false;
};

}  // namespace glia
