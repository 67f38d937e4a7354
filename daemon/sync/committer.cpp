#include "daemon/sync/committer.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>
#include <variant>

#include "daemon/base/log.hpp"

namespace glia {

struct Committer::Pending {
    Pending(Runtime& runtime, std::shared_ptr<const Batch> what, std::optional<PassCheckpoint> where)
        : batch(std::move(what)), checkpoint(std::move(where)), settled(runtime) {}

    std::shared_ptr<const Batch> batch;
    std::optional<PassCheckpoint> checkpoint;
    CommitCounts counts;
    std::exception_ptr failure;
    bool done = false;
    Signal settled;
};

namespace {

bool is_window(const std::optional<PassCheckpoint>& checkpoint) {
    return checkpoint && std::holds_alternative<WindowTarget>(checkpoint->target);
}

/// Windows of a backfill go together. A site of the service does not: what is wrong with one must not hold up
/// the others. Nor what is fenced by claims, or tells of rejected records, which may be among the others'
/// engagements: on its own, the outcome does not depend on the order.
bool goes_alone(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) {
    return !is_window(checkpoint) || !batch.details.empty() || !batch.rejected.empty();
}

CommitCounts sum(const CommitCounts& counts) {
    return counts;
}
CommitCounts sum(const std::vector<CommitCounts>& parts) {
    CommitCounts all;
    for (const CommitCounts& counts : parts) all += counts;
    return all;
}

/// Runs `commit` and measures it where it happens: what waits for a writer, or for the database to come back,
/// is another matter.
template <typename Commit>
auto measured(Metrics& metrics, Commit commit) {
    const auto began = std::chrono::steady_clock::now();
    try {
        auto counts = commit();
        metrics.committed(sum(counts), std::chrono::steady_clock::now() - began);
        return counts;
    } catch (...) {
        metrics.commit_failed();
        throw;
    }
}

}  // namespace

/// Counts engagements from when they are to be written until they are, or cannot be.
class Committer::Unwritten {
  public:
    Unwritten(Committer& committer, std::size_t engagements)
        : committer_(committer), engagements_(engagements) {
        committer_.unwritten_ += engagements_;
    }
    Unwritten(const Unwritten&) = delete;
    Unwritten& operator=(const Unwritten&) = delete;
    ~Unwritten() {
        committer_.unwritten_ -= engagements_;
        committer_.written_.notify();
    }

  private:
    Committer& committer_;
    std::size_t engagements_;
};

Task<> Committer::room() {
    while (unwritten_ >= kUnwritten) co_await written_.wait();
}

Task<CommitCounts> Committer::commit(std::shared_ptr<const Batch> batch,
                                     std::optional<PassCheckpoint> checkpoint) {
    const Unwritten unwritten(*this, is_window(checkpoint) ? batch->engagements.size() : 0);
    if (goes_alone(*batch, checkpoint))
        co_return co_await write_alone(std::move(batch), std::move(checkpoint));
    const auto pending = std::make_shared<Pending>(runtime_, std::move(batch), std::move(checkpoint));
    queue_.push_back(pending);
    if (has_enough()) enough_.notify();
    go_on();
    while (!pending->done) co_await pending->settled.wait();
    if (pending->failure) std::rethrow_exception(pending->failure);
    co_return pending->counts;
}

bool Committer::meets_others(const Batch& batch) const {
    return !being_written_.empty() &&
           std::any_of(batch.engagements.begin(), batch.engagements.end(),
                       [&](const auto& fetched) { return being_written_.contains(*fetched.engagement.id); });
}

void Committer::begin_writing(const Group& group) {
    for (const auto& pending : group) {
        for (const auto& fetched : pending->batch->engagements) being_written_.insert(*fetched.engagement.id);
    }
}

void Committer::end_writing(const Group& group) {
    for (const auto& pending : group) {
        for (const auto& fetched : pending->batch->engagements) being_written_.erase(*fetched.engagement.id);
    }
}

/// True if what waits fills a transaction.
bool Committer::has_enough() const {
    std::size_t engagements = 0;
    for (const auto& pending : queue_) engagements += pending->batch->engagements.size();
    return engagements >= kTogether;
}

/// Somebody is to take what waits, if there may be one more.
void Committer::go_on() {
    if (queue_.empty() || gathering_ || at_work_ == kAtOnce) return;
    gathering_ = true;
    ++at_work_;
    background_.add();
    runtime_.spawn(work());
}

Task<> Committer::gather() {
    gathering_ = true;
    if (!has_enough()) co_await enough_.wait_for(kGather);
    gathering_ = false;
}

/// What can be written now, the oldest first; none: all that waits has to wait for a group under way.
Committer::Group Committer::take() {
    Group group;
    std::size_t engagements = 0;
    for (auto next = queue_.begin(); next != queue_.end();) {
        if (meets_others(*(*next)->batch)) {
            ++next;
            continue;
        }
        engagements += (*next)->batch->engagements.size();
        if (!group.empty() && engagements > kTogether) break;
        group.push_back(std::move(*next));
        next = queue_.erase(next);
    }
    return group;
}

Task<> Committer::work() {
    for (;;) {
        co_await gather();
        const Group group = take();
        if (group.empty()) break;  // whoever writes that group goes on with these
        begin_writing(group);
        go_on();
        if (group.size() == 1 || !co_await write_together(group)) {
            for (const auto& pending : group) {
                try {
                    pending->counts = co_await write_alone(pending->batch, pending->checkpoint);
                } catch (...) {
                    pending->failure = std::current_exception();
                }
            }
        }
        end_writing(group);
        for (const auto& pending : group) {
            pending->done = true;
            pending->settled.notify();
        }
        if (queue_.empty() || gathering_) break;
    }
    --at_work_;
    background_.remove();
}

/// True if it is settled, be it with a failure that is everybody's.
Task<bool> Committer::write_together(Group group) {
    const auto write = [group, &metrics = metrics_](Sink& sink) {
        std::vector<CommitPart> parts;
        for (const auto& pending : group) {
            parts.push_back({pending->batch.get(), pending->checkpoint ? &*pending->checkpoint : nullptr});
        }
        return measured(metrics, [&] { return sink.commit_together(parts); });
    };
    try {
        const std::vector<CommitCounts> counts = co_await store_.run(write);
        if (counts.empty()) co_return false;
        for (std::size_t i = 0; i < group.size(); ++i) group[i]->counts = counts[i];
        co_return true;
    } catch (const SinkError& error) {
        if (error.kind() != SinkError::Kind::unavailable) {
            log::debug(LogTopic::database, "not written together, so each on its own",
                       {{"error", error.what()}});
            co_return false;
        }
        // Asked again for each, a database that is away would be waited for as often.
        for (const auto& pending : group) pending->failure = std::current_exception();
    }
    co_return true;
}

Task<CommitCounts> Committer::write_alone(std::shared_ptr<const Batch> batch,
                                          std::optional<PassCheckpoint> checkpoint) {
    const auto write = [batch, checkpoint, &metrics = metrics_](Sink& sink) {
        return measured(metrics, [&] { return sink.commit(*batch, checkpoint); });
    };
    co_return co_await store_.run(write);
}

}  // namespace glia
