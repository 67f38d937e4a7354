// Which commits share a transaction, and when it begins. Decisions only: Committer performs them, and so does
// the simulation. See `CommitQueue`.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "daemon/config/settings.hpp"
#include "sinks/checkpoint.hpp"
#include "sinks/sink.hpp"

namespace glia {

/// Bounds of a CommitQueue.
struct CommitLimits {
    /// Maximum concurrent transactions of windows. More would wait for each other's locks on rows of the
    /// table `queues`, which many engagements share.
    int at_once = 2;
    /// Maximum engagements per transaction of several batches. Bounds the encoded size to a few MB.
    std::size_t together = 1200;
    /// Maximum unwritten engagements of windows while further pages are read: the batches being written and
    /// the next ones. Fewer leave the database idle, more only occupy memory.
    std::size_t unwritten = 3 * 1200;
    /// How long the first commit of a transaction waits for others, unless the transaction is full before.
    /// Saves a fifth of the database's work when windows are read again. Negligible compared with the API's
    /// latency.
    Milliseconds gather{10};
};

/// Commits from submission until they are completed. Windows of a backfill share transactions: small windows
/// then cost little more than large ones. Two such transactions that run concurrently never contain the same
/// engagement: a conflict would roll back the whole second one. Pure: no I/O and no clock; `now` is any clock
/// that only goes forward.
class CommitQueue {
  public:
    explicit CommitQueue(CommitLimits limits = {}) : limits_(limits) {}

    /// Identifies a commit until it is completed. Tickets ascend.
    using Ticket = std::uint64_t;
    /// Names a group of commits until the last of them is completed.
    using Group = std::uint64_t;

    /// Adds a commit to the queue.
    Ticket add(std::shared_ptr<const Batch> batch, const std::optional<PassCheckpoint>& checkpoint);

    /// Begin a transaction with these commits, in this order; then on_written() or on_failed().
    struct Write {
        Group group = 0;
        std::vector<Ticket> commits;
        bool operator==(const Write&) const = default;
    };
    /// Nothing begins before the next event or, if it is set, before `until`.
    struct Wait {
        std::optional<Milliseconds> until;
        bool operator==(const Wait&) const = default;
    };
    using Step = std::variant<Write, Wait>;
    /// Call after each event until it returns Wait.
    Step next(Milliseconds now);

    /// The commits of the group's last Write are in the sink.
    void on_written(Group group);
    /// The transaction failed. Returns true if each commit of the group's last Write has failed with this
    /// error. Returns false if they are to be retried: next() then returns a Write for each of them alone.
    bool on_failed(Group group, SinkError::Kind kind);

    /// True if another page may be read: fewer than CommitLimits::unwritten engagements of windows are
    /// uncommitted.
    bool has_room() const { return unwritten_ < limits_.unwritten; }

  private:
    struct Entry {
        std::shared_ptr<const Batch> batch;
        std::size_t window_engagements = 0;  // 0 for commits of the service, whose size is bounded elsewhere
    };
    struct Running {
        std::vector<Ticket> commits;  // in this transaction; after a failure, those to be written one by one
        bool shared = false;          // counts in CommitLimits::at_once, and its ids are reserved
        bool one_by_one = false;
        std::size_t completed = 0;
        bool idle = false;  // one by one: no transaction is running, the next commit can begin
    };

    std::size_t engagements(Ticket ticket) const { return entries_.at(ticket).batch->engagements.size(); }
    std::optional<Write> next_of_group();
    bool shares_an_id(Ticket ticket) const;
    std::vector<Ticket> take();
    Write begin(std::vector<Ticket> commits, bool shared);
    void complete(Ticket ticket);
    void finish(Group group);

    CommitLimits limits_;
    Ticket last_ticket_ = 0;
    Group last_group_ = 0;
    std::map<Ticket, Entry> entries_;
    std::deque<Ticket> alone_;    // wait to be written, each on its own
    std::deque<Ticket> waiting_;  // wait to be written, with others
    std::size_t waiting_engagements_ = 0;
    std::map<Group, Running> running_;
    int shared_running_ = 0;
    std::unordered_set<std::string_view> reserved_ids_;  // in the batches of running shared groups
    std::optional<Milliseconds> gather_until_;
    std::size_t unwritten_ = 0;
};

}  // namespace glia
