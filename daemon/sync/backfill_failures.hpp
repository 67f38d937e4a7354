// How a failed window affects the rest of a backfill: decisions only.
#pragma once

#include <string>
#include <vector>

#include "daemon/sync/pass_pipeline.hpp"

namespace glia {

class BackfillFailures {
  public:
    /// Takes the result of a window's pass. Returns the error to store with the window; empty if the pass is
    /// complete, the program stops, or the API refuses the whole site.
    std::string on_window(const WindowLease& lease, const PassResult& pass);
    /// The sink failed: no further window is read.
    void on_sink_failure(const ExitStatus& outcome);

    /// Sites whose other windows would fail the same way.
    const std::vector<std::string>& refused_sites() const { return refused_sites_; }
    bool refused(const std::string& site) const;
    /// True once the API or the sink counts as down: no further window is read.
    bool down() const { return down_; }
    const ExitStatus& outcome() const { return outcome_; }
    std::int64_t rejected() const { return rejected_; }

    // Consecutive failed windows after which the API counts as down. Fewer may be the windows' own failures.
    static constexpr int kFailuresUntilDown = 3;

  private:
    std::vector<std::string> refused_sites_;
    ExitStatus outcome_;
    std::int64_t rejected_ = 0;
    int failures_in_a_row_ = 0;
    bool down_ = false;
};

}  // namespace glia
