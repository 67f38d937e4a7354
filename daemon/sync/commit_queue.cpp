#include "daemon/sync/commit_queue.hpp"

#include <algorithm>
#include <utility>

#include "sinks/invariant.hpp"

namespace glia {
namespace {

bool is_window(const std::optional<PassCheckpoint>& checkpoint) {
    return checkpoint && std::holds_alternative<WindowTarget>(checkpoint->target);
}

/// True if a commit needs a transaction of its own. Windows of a backfill share transactions. Commits of the
/// service do not: an error of one site must not delay the others. Batches that are fenced by claims or have
/// rejected records do not either: another batch may hold the same engagements, and the result must not
/// depend on the order.
bool goes_alone(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) {
    return !is_window(checkpoint) || !batch.details.empty() || !batch.rejected.empty();
}

}  // namespace

CommitQueue::Ticket CommitQueue::add(std::shared_ptr<const Batch> batch,
                                     const std::optional<PassCheckpoint>& checkpoint) {
    const Ticket ticket = ++last_ticket_;
    if (goes_alone(*batch, checkpoint)) {
        alone_.push_back(ticket);
    } else {
        waiting_.push_back(ticket);
        waiting_engagements_ += batch->engagements.size();
    }
    const std::size_t counted = is_window(checkpoint) ? batch->engagements.size() : 0;
    unwritten_ += counted;
    entries_.emplace(ticket, Entry{std::move(batch), counted});
    return ticket;
}

CommitQueue::Step CommitQueue::next(Milliseconds now) {
    if (!alone_.empty()) {
        const Ticket ticket = alone_.front();
        alone_.pop_front();
        return begin({ticket}, false);
    }
    if (auto write = next_of_group()) return std::move(*write);
    if (shared_running_ == limits_.at_once) return Wait{};
    if (std::all_of(waiting_.begin(), waiting_.end(), [&](Ticket each) { return shares_an_id(each); }))
        return Wait{};
    if (!gather_until_) gather_until_ = now + limits_.gather;
    if (now < *gather_until_ && waiting_engagements_ < limits_.together) return Wait{gather_until_};
    gather_until_.reset();
    return begin(take(), true);
}

std::optional<CommitQueue::Write> CommitQueue::next_of_group() {
    for (auto& [group, running] : running_) {
        if (!std::exchange(running.idle, false)) continue;
        return Write{group, {running.commits[running.completed]}};
    }
    return std::nullopt;
}

bool CommitQueue::shares_an_id(Ticket ticket) const {
    if (reserved_ids_.empty()) return false;
    const auto& engagements = entries_.at(ticket).batch->engagements;
    return std::any_of(engagements.begin(), engagements.end(),
                       [&](const auto& fetched) { return reserved_ids_.contains(*fetched.engagement.id); });
}

/// Takes the waiting commits that share no id with a running group, the oldest first.
std::vector<CommitQueue::Ticket> CommitQueue::take() {
    std::vector<Ticket> taken;
    std::size_t sum = 0;
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        if (shares_an_id(*next)) {
            ++next;
            continue;
        }
        sum += engagements(*next);
        if (!taken.empty() && sum > limits_.together) break;
        taken.push_back(*next);
        waiting_engagements_ -= engagements(*next);
        next = waiting_.erase(next);
    }
    return taken;
}

CommitQueue::Write CommitQueue::begin(std::vector<Ticket> commits, bool shared) {
    const Group group = ++last_group_;
    if (shared) {
        ++shared_running_;
        std::unordered_set<std::string_view> ids;
        for (const Ticket ticket : commits) {
            for (const auto& fetched : entries_.at(ticket).batch->engagements)
                ids.insert(*fetched.engagement.id);
        }
        reserved_ids_.merge(ids);
        check_invariant(ids.empty(), "concurrent groups share no engagement");
    }
    running_.emplace(group, Running{commits, shared, false, 0, false});
    return {group, std::move(commits)};
}

void CommitQueue::on_written(Group group) {
    Running& running = running_.at(group);
    running.completed += running.one_by_one ? 1 : running.commits.size();
    running.idle = true;
    if (running.completed == running.commits.size()) finish(group);
}

bool CommitQueue::on_failed(Group group, SinkError::Kind kind) {
    Running& running = running_.at(group);
    // If the sink is unavailable, all commits fail: retrying each on its own would repeat the wait.
    const bool completed =
        running.one_by_one || running.commits.size() == 1 || kind == SinkError::Kind::unavailable;
    if (completed) {
        on_written(group);
    } else {
        running.one_by_one = true;
        running.idle = true;
    }
    return completed;
}

void CommitQueue::complete(Ticket ticket) {
    const auto entry = entries_.find(ticket);
    unwritten_ -= entry->second.window_engagements;
    entries_.erase(entry);
}

void CommitQueue::finish(Group group) {
    const auto running = running_.find(group);
    for (const Ticket ticket : running->second.commits) {
        if (running->second.shared) {
            for (const auto& fetched : entries_.at(ticket).batch->engagements)
                reserved_ids_.erase(*fetched.engagement.id);
        }
        complete(ticket);
    }
    if (running->second.shared) --shared_running_;
    running_.erase(running);
}

}  // namespace glia
