// Performs a pass as PassPipeline decides: requests pages from the API, and commits a batch while the next
// page is fetched.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "daemon/sync/instance.hpp"
#include "daemon/sync/pass_pipeline.hpp"

namespace glia {

/// One pass in progress; commits one batch at a time. Commits what was fetched before a failure. The caller
/// renews the lease. Made by std::make_shared; loop's thread only.
class PassDriver : public std::enable_shared_from_this<PassDriver> {
  public:
    /// `collect`: see PassResult::listed.
    PassDriver(Instance& instance, Pass pass, std::string site, bool collect = false);

    /// Returns after the last request to the API. The last commits may still be under way.
    Task<> read();
    /// Calls `done` after the last commit, or at once if that is completed. Call it after read(). No
    /// coroutine has to wait.
    void when_completed(std::function<void(const PassResult&)> done);
    /// The same, awaited.
    Task<PassResult> result();

  private:
    std::optional<PageRequest> advance();
    void commit(PassPipeline::Commit what);
    void on_commit(const CommitResult& result);
    Task<> ask(PageRequest what);

    Instance& instance_;
    PassPipeline pipeline_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    bool reading_ = false;
    bool ended_ = false;
    AsyncCondition completed_;  // notified when a commit is completed
    std::function<void(const PassResult&)> done_;
};

/// Performs `pass` and waits for its last commit. `collect`: see PassResult::listed.
Task<PassResult> run_pass(Instance& instance, Pass pass, std::string site_id, bool collect = false);

}  // namespace glia
