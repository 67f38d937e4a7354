// What the ending of a backfill's window means for the rest of the backfill: decisions only.
#pragma once

#include <string>
#include <vector>

#include "daemon/sync/pass_run.hpp"

namespace glia {

class WindowLedger {
  public:
    /// A window was read as far as it went. Returns the error to note with it, empty if it is done or says
    /// nothing about the window: the program stops, or the API refuses the site as such.
    std::string on_window(const WindowLease& lease, const PassResult& pass);
    /// The sink failed: no further window.
    void on_failure(const Outcome& outcome);

    /// Sites whose other windows would fare no better.
    const std::vector<std::string>& refused_sites() const { return refused_sites_; }
    /// True once the API or the sink is away: no further window is begun.
    bool down() const { return down_; }
    const Outcome& outcome() const { return outcome_; }
    std::int64_t rejected() const { return rejected_; }

    // So many windows in a row without an answer: the API is down, not a window odd.
    static constexpr int kFailuresUntilDown = 3;

  private:
    std::vector<std::string> refused_sites_;
    Outcome outcome_;
    std::int64_t rejected_ = 0;
    int failures_in_a_row_ = 0;
    bool down_ = false;
};

}  // namespace glia
