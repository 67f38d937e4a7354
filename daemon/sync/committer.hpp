// Performs what CommitQueue decides: writes batches with their checkpoints, several in one transaction where
// that is allowed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/sync/commit_queue.hpp"
#include "daemon/sync/store.hpp"
#include "sinks/checkpoint.hpp"

namespace glia {

/// What became of a commit.
struct CommitResult {
    CommitCounts counts;
    std::optional<SinkError> failure;  ///< set: nothing of it was written
};

/// Loop's thread only. Its coroutines are counted by `background`, and have ended once that is empty.
class Committer {
  public:
    Committer(Store& store, Metrics& metrics, Runtime& runtime, Latch& background)
        : store_(store), metrics_(metrics), runtime_(runtime), background_(background), settled_(runtime) {}

    using Done = std::function<void(const CommitResult&)>;
    /// Writes a batch and, with it, the checkpoint. `done` is called later, on the loop's thread. That others
    /// share the transaction does not show: where they cannot be written together, each is written on its
    /// own. OutputLost ends the loop.
    void submit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint, Done done);

    /// The same, awaited. Throws SinkError.
    Task<CommitCounts> commit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint);

    /// Ends as soon as CommitQueue has room for the pages of another request.
    Task<> room();

  private:
    struct PendingCommit {
        std::shared_ptr<const Batch> batch;
        std::optional<PassCheckpoint> checkpoint;
        Done done;
    };
    using Group = std::vector<std::shared_ptr<const PendingCommit>>;

    void go_on();
    Task<> wake_after(Milliseconds wait);
    Task<> write(CommitQueue::Write what);
    Task<std::vector<CommitCounts>> write_group(Group group);

    Store& store_;
    Metrics& metrics_;
    Runtime& runtime_;
    Latch& background_;
    CommitQueue queue_;
    std::map<CommitQueue::Ticket, std::shared_ptr<const PendingCommit>> pending_;
    bool timer_is_set_ = false;
    Signal settled_;
};

}  // namespace glia
