// CommitQueue: which commits share a transaction, and when it begins.
#include "daemon/sync/commit_queue.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

using namespace std::chrono_literals;

constexpr CommitLimits kLimits{2, 10, 20, 10ms};
using Tickets = std::vector<CommitQueue::Ticket>;

std::shared_ptr<Batch> batch_of(const std::vector<std::string>& ids) {
    auto batch = std::make_shared<Batch>();
    for (const std::string& id : ids) batch->engagements.emplace_back().engagement.id = id;
    return batch;
}
std::vector<std::string> several(const std::string& prefix, int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
    return ids;
}
PassCheckpoint window() {
    PassCheckpoint checkpoint;
    checkpoint.target = WindowTarget{};
    return checkpoint;
}
PassCheckpoint site() {
    PassCheckpoint checkpoint;
    checkpoint.target = SiteTarget{"s", 1};
    return checkpoint;
}
/// The queue, with shortcuts for tests.
struct Queue : CommitQueue {
    Queue() : CommitQueue(kLimits) {}
    Ticket add_window(const std::vector<std::string>& ids) { return add(batch_of(ids), window()); }
    /// The Write that is due; its group is 0 if none is.
    Write write(Milliseconds now) {
        const Step step = next(now);
        const auto* due = std::get_if<Write>(&step);
        return due ? *due : Write{};
    }
    std::optional<Milliseconds> waits_until(Milliseconds now) { return std::get<Wait>(next(now)).until; }
};

TEST(CommitQueueTest, TheFirstWindowWaitsForOthersAndTheyShareATransaction) {
    Queue queue;
    queue.add_window({"a"});
    EXPECT_EQ(queue.waits_until(0ms), 10ms);
    queue.add_window({"b"});
    EXPECT_EQ(queue.waits_until(9ms), 10ms);
    EXPECT_EQ(queue.write(10ms).commits, (Tickets{1, 2}));
    EXPECT_EQ(queue.waits_until(10ms), std::nullopt);
}
TEST(CommitQueueTest, NobodyWaitsOnceTheTransactionIsFull) {
    Queue queue;
    queue.add_window(several("a", 6));
    EXPECT_EQ(queue.write(0ms).group, 0u);
    queue.add_window(several("b", 4));
    EXPECT_EQ(queue.write(1ms).commits, (Tickets{1, 2}));
}
TEST(CommitQueueTest, ATransactionHasABoundAndTheRestGoesWithTheNext) {
    Queue queue;
    for (const char* prefix : {"a", "b", "c"}) queue.add_window(several(prefix, 5));
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{1, 2}));
    EXPECT_EQ(queue.waits_until(0ms), 10ms);
    EXPECT_EQ(queue.write(10ms).commits, (Tickets{3}));
}
TEST(CommitQueueTest, ABatchAboveTheBoundGoesByItself) {
    Queue queue;
    queue.add_window(several("a", 11));
    queue.add_window({"b"});
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{1}));
}
TEST(CommitQueueTest, SoManyTransactionsOfWindowsAreConcurrentAndNoMore) {
    Queue queue;
    for (const char* prefix : {"a", "b", "c"}) queue.add_window(several(prefix, 10));
    const CommitQueue::Write first = queue.write(0ms);
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{2}));
    EXPECT_EQ(queue.waits_until(0ms), std::nullopt);
    queue.on_written(first.group);
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{3}));
}
TEST(CommitQueueTest, AnEngagementThatIsBeingWrittenIsWaitedForAndHoldsUpNobodyElse) {
    Queue queue;
    queue.add_window({"a", "shared"});
    const CommitQueue::Write first = queue.write(queue.waits_until(0ms).value());
    queue.add_window({"shared"});
    EXPECT_EQ(queue.waits_until(20ms), std::nullopt);
    queue.add_window({"b"});
    EXPECT_EQ(queue.waits_until(20ms), 30ms);
    EXPECT_EQ(queue.write(30ms).commits, (Tickets{3}));
    queue.on_written(first.group);
    EXPECT_EQ(queue.write(queue.waits_until(40ms).value()).commits, (Tickets{2}));
}
TEST(CommitQueueTest, ASiteOfTheServiceGoesAloneAndAtOnceWhateverElseIsWritten) {
    Queue queue;
    for (const char* prefix : {"a", "b"}) queue.add_window(several(prefix, 10));
    queue.write(0ms);
    queue.write(0ms);
    queue.add(batch_of({"a0"}), site());
    queue.add(batch_of({"c"}), std::nullopt);
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{3}));
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{4}));
}
TEST(CommitQueueTest, ClaimsAndRejectedRecordsGoAlone) {
    Queue queue;
    auto rejected = batch_of({"a"});
    rejected->rejected.emplace_back();
    auto claimed = batch_of({"b"});
    claimed->details.emplace_back();
    queue.add(rejected, window());
    queue.add(claimed, window());
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{1}));
    EXPECT_EQ(queue.write(0ms).commits, (Tickets{2}));
}
TEST(CommitQueueTest, WhatCannotBeWrittenTogetherIsWrittenOneByOne) {
    Queue queue;
    for (const char* prefix : {"a", "b"}) queue.add_window(several(prefix, 5));
    const CommitQueue::Write both = queue.write(0ms);
    EXPECT_FALSE(queue.on_failed(both.group, SinkError::Kind::lease_lost));
    EXPECT_EQ(queue.write(0ms), (CommitQueue::Write{both.group, {1}}));
    EXPECT_EQ(queue.write(0ms).group, 0u) << "one after the other";
    EXPECT_TRUE(queue.on_failed(both.group, SinkError::Kind::lease_lost));
    EXPECT_EQ(queue.write(0ms), (CommitQueue::Write{both.group, {2}}));
    queue.add_window({"a1"});
    EXPECT_EQ(queue.waits_until(0ms), std::nullopt) << "the group's ids stay reserved";
    queue.on_written(both.group);
    EXPECT_EQ(queue.waits_until(0ms), 10ms);
}
TEST(CommitQueueTest, ASinkThatIsAwayFailsAllOfTheGroup) {
    Queue queue;
    for (const char* prefix : {"a", "b"}) queue.add_window(several(prefix, 5));
    EXPECT_TRUE(queue.on_failed(queue.write(0ms).group, SinkError::Kind::unavailable));
    EXPECT_EQ(queue.waits_until(0ms), std::nullopt);
}
TEST(CommitQueueTest, ACommitThatFailedByItselfIsCompleted) {
    Queue queue;
    queue.add_window(several("a", 10));
    EXPECT_TRUE(queue.on_failed(queue.write(0ms).group, SinkError::Kind::internal));
    EXPECT_EQ(queue.waits_until(0ms), std::nullopt);
}
TEST(CommitQueueTest, ThereIsRoomWhileFewEngagementsOfWindowsWait) {
    Queue queue;
    queue.add(batch_of(several("s", 20)), site());
    EXPECT_TRUE(queue.has_room()) << "only windows of a backfill count";
    queue.write(0ms);
    queue.add_window(several("a", 10));
    EXPECT_TRUE(queue.has_room());
    queue.add_window(several("b", 10));
    EXPECT_FALSE(queue.has_room());
    const CommitQueue::Write first = queue.write(0ms);
    EXPECT_FALSE(queue.has_room()) << "it is not completed";
    queue.on_failed(first.group, SinkError::Kind::unavailable);
    EXPECT_TRUE(queue.has_room());
}

}  // namespace
}  // namespace glia
