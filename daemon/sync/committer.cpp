#include "daemon/sync/committer.hpp"

#include <chrono>
#include <utility>

#include "daemon/base/log.hpp"

namespace glia {
namespace {

/// Runs `commit` on the writer's thread and measures it there: waiting for a writer, or for the database to
/// come back, does not count.
template <typename Commit>
std::vector<CommitCounts> measured(Metrics& metrics, Commit commit) {
    const auto began = std::chrono::steady_clock::now();
    try {
        std::vector<CommitCounts> counts = commit();
        CommitCounts sum;
        for (const CommitCounts& each : counts) sum += each;
        metrics.committed(sum, std::chrono::steady_clock::now() - began);
        return counts;
    } catch (...) {
        metrics.commit_failed();
        throw;
    }
}

}  // namespace

void Committer::submit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint,
                       Done done) {
    const CommitQueue::Ticket ticket = queue_.add(batch, checkpoint);
    pending_.emplace(ticket, std::make_shared<const PendingCommit>(
                                 PendingCommit{std::move(batch), std::move(checkpoint), std::move(done)}));
    begin_due_commits();
}

Task<CommitCounts> Committer::commit(std::shared_ptr<const Batch> batch,
                                     std::optional<PassCheckpoint> checkpoint) {
    struct Awaited {
        explicit Awaited(Runtime& runtime) : ended(runtime) {}
        AsyncCondition ended;
        std::optional<CommitResult> result;
    };
    const auto awaited = std::make_shared<Awaited>(runtime_);
    const auto done = [awaited](const CommitResult& result) {
        awaited->result = result;
        awaited->ended.notify();
    };
    submit(std::move(batch), std::move(checkpoint), done);
    while (!awaited->result) co_await awaited->ended.wait();
    if (awaited->result->failure) throw SinkError(*awaited->result->failure);
    co_return awaited->result->counts;
}

Task<> Committer::room() {
    while (!queue_.has_room()) co_await completed_.wait();
}

void Committer::begin_due_commits() {
    for (;;) {
        CommitQueue::Step step = queue_.next(steady_now());
        if (auto* what = std::get_if<CommitQueue::Write>(&step)) {
            background_.add();
            runtime_.spawn(write(std::move(*what)));
            continue;
        }
        const auto& until = std::get<CommitQueue::Wait>(step).until;
        if (until && !std::exchange(timer_is_set_, true)) {
            background_.add();
            runtime_.spawn(wake_after(*until - steady_now()));
        }
        return;
    }
}

Task<> Committer::wake_after(Milliseconds wait) {
    AsyncCondition timer(runtime_);  // never notified
    co_await timer.wait_for(wait);
    timer_is_set_ = false;
    begin_due_commits();
    background_.remove();
}

Task<> Committer::write(CommitQueue::Write what) {
    Group group;
    for (const CommitQueue::Ticket ticket : what.commits) group.push_back(pending_.at(ticket));
    std::vector<CommitCounts> counts(group.size());
    std::optional<SinkError> failure;
    try {
        counts = co_await write_group(group);
    } catch (const SinkError& error) {
        failure.emplace(error);
    }
    bool completed = true;
    if (!failure) {
        queue_.on_written(what.group);
    } else {
        completed = queue_.on_failed(what.group, failure->kind());
        if (!completed) {
            log::debug(LogTopic::database, "shared transaction failed, each commit is written on its own",
                       {{"error", failure->what()}});
        }
    }
    if (completed) {
        for (const CommitQueue::Ticket ticket : what.commits) pending_.erase(ticket);
        for (std::size_t i = 0; i < group.size(); ++i) group[i]->done({counts[i], failure});
        completed_.notify();
    }
    begin_due_commits();
    background_.remove();
}

/// Writes a group. Returns the counts in the order of its commits. Throws SinkError.
Task<std::vector<CommitCounts>> Committer::write_group(Group group) {
    const auto write = [group, &metrics = metrics_](Sink& sink) {
        if (group.size() == 1) {
            const PendingCommit& only = *group.front();
            return measured(metrics, [&] { return std::vector{sink.commit(*only.batch, only.checkpoint)}; });
        }
        std::vector<CheckpointedBatch> commits;
        for (const auto& pending : group) {
            commits.push_back({pending->batch.get(), pending->checkpoint ? &*pending->checkpoint : nullptr});
        }
        auto counts = measured(metrics, [&] { return sink.commit_together(commits); });
        if (counts.empty()) {
            throw SinkError(SinkError::Kind::internal, "the sink writes each commit in its own transaction");
        }
        return counts;
    };
    co_return co_await sink_pool_.run(write);
}

}  // namespace glia
