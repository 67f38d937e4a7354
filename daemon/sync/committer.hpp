// Commits on their way to the sink. What waits while others are being written goes together in one
// transaction: small windows of a backfill then cost little more than large ones.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/sync/store.hpp"
#include "sinks/checkpoint.hpp"

namespace glia {

/// Loop's thread only. Ends before `background` is empty.
class Committer {
  public:
    Committer(Store& store, Metrics& metrics, Runtime& runtime, Latch& background)
        : store_(store),
          metrics_(metrics),
          runtime_(runtime),
          background_(background),
          enough_(runtime),
          written_(runtime) {}

    /// Writes a batch and, with it, the checkpoint, counted and measured. Throws SinkError. That others went
    /// with it shows in nothing: where they cannot be written together, each is written on its own.
    Task<CommitCounts> commit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint);

    /// Ends as soon as less than kUnwritten engagements of windows wait to be written or are being written.
    Task<> room();

    // So many transactions at once. More would wait for each other: they share the rows of the queues. None
    // has an engagement of another: two sites' windows of one day often share some, and what the second
    // transaction has written of all the others would be undone when it meets the first.
    static constexpr int kAtOnce = 2;
    // So many engagements in a transaction, or those of one batch: what is encoded of them stays within some
    // MB.
    static constexpr std::size_t kTogether = 1200;
    // So many engagements are worth reading ahead: what is being written, and what goes next. Fewer leave the
    // database waiting for the API, more lie in memory for nothing.
    static constexpr std::size_t kUnwritten = (kAtOnce + 1) * kTogether;
    // So long the first of a transaction waits for others to go with it, unless there are enough before: what
    // reads the same windows again costs the database a fifth less. Nobody notices it beside the API.
    static constexpr std::chrono::milliseconds kGather{10};

  private:
    struct Pending;
    class Unwritten;
    using Group = std::vector<std::shared_ptr<Pending>>;

    bool has_enough() const;
    void go_on();
    Task<> gather();
    Group take();
    bool meets_others(const Batch& batch) const;
    void begin_writing(const Group& group);
    void end_writing(const Group& group);
    Task<> work();
    Task<bool> write_together(Group group);
    Task<CommitCounts> write_alone(std::shared_ptr<const Batch> batch,
                                   std::optional<PassCheckpoint> checkpoint);

    Store& store_;
    Metrics& metrics_;
    Runtime& runtime_;
    Latch& background_;
    std::deque<std::shared_ptr<Pending>> queue_;
    Signal enough_;
    bool gathering_ = false;                              // somebody is, and takes what comes
    std::unordered_set<std::string_view> being_written_;  // ids in the batches of groups under way
    int at_work_ = 0;
    std::size_t unwritten_ = 0;  // engagements of windows
    Signal written_;
};

}  // namespace glia
