// Writes batches with their checkpoints as CommitQueue decides: several in one transaction where possible.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/sync/commit_queue.hpp"
#include "daemon/sync/sink_pool.hpp"
#include "sinks/checkpoint.hpp"

namespace glia {

/// The result of a commit.
struct CommitResult {
    CommitCounts counts;
    std::optional<SinkError> failure;  ///< if set, the transaction was rolled back
};

/// Loop's thread only. `background` counts its coroutines.
class Committer {
  public:
    Committer(SinkPool& sink_pool, Metrics& metrics, Runtime& runtime, WaitGroup& background)
        : sink_pool_(sink_pool),
          metrics_(metrics),
          runtime_(runtime),
          background_(background),
          completed_(runtime) {}

    using Done = std::function<void(const CommitResult&)>;
    /// Writes a batch and, with it, the checkpoint. `done` is called later, on the loop's thread. The result
    /// does not depend on other commits in the same transaction: if they cannot be written together, each is
    /// written on its own. OutputLost ends the loop.
    void submit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint, Done done);

    /// The same, awaited. Throws SinkError.
    Task<CommitCounts> commit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint);

    /// Waits until CommitQueue has room for another page.
    Task<> room();

  private:
    struct PendingCommit {
        std::shared_ptr<const Batch> batch;
        std::optional<PassCheckpoint> checkpoint;
        Done done;
    };
    using Group = std::vector<std::shared_ptr<const PendingCommit>>;

    void begin_due_commits();
    Task<> wake_after(Milliseconds wait);
    Task<> write(CommitQueue::Write what);
    Task<std::vector<CommitCounts>> write_group(Group group);

    SinkPool& sink_pool_;
    Metrics& metrics_;
    Runtime& runtime_;
    WaitGroup& background_;
    CommitQueue queue_;
    std::map<CommitQueue::Ticket, std::shared_ptr<const PendingCommit>> pending_;
    bool timer_is_set_ = false;
    AsyncCondition completed_;
};

}  // namespace glia
