// Which batches share a transaction.
#include "daemon/sync/committer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/simulation/model_database.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;

/// What the sinks wrote: for each transaction, the engagements of its batches. Also controls when a
/// transaction ends.
struct Written {
    std::mutex mutex;
    std::condition_variable more;
    std::vector<std::string> transactions;
    bool refuse_groups = false;
    std::string last;   ///< a transaction with this first engagement ends only after another one
    bool hold = false;  ///< no transaction ends
    std::atomic<bool> writing{false};  ///< a transaction has begun
    bool room_while_held = false, room_at_the_end = false;
};

class RecordingSink final : public simulation::ModelDatabase {
  public:
    explicit RecordingSink(Written& written) : written_(written) {}

    CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>&) override {
        return write({&batch}).front();
    }
    std::vector<CommitCounts> commit_together(const std::vector<CheckpointedBatch>& commits) override {
        if (written_.refuse_groups) throw SinkError(SinkError::Kind::lease_lost, "one of them is not ours");
        std::vector<const Batch*> batches;
        batches.reserve(commits.size());
        for (const CheckpointedBatch& commit : commits) batches.push_back(commit.batch);
        return write(batches);
    }

  private:
    std::vector<CommitCounts> write(const std::vector<const Batch*>& batches) {
        std::vector<CommitCounts> counts(batches.size());
        std::string transaction;
        for (std::size_t i = 0; i < batches.size(); ++i) {
            counts[i].inserted = static_cast<std::int64_t>(batches[i]->engagements.size());
            transaction += transaction.empty() ? "" : "+";
            for (const auto& fetched : batches[i]->engagements) transaction += *fetched.engagement.id;
        }
        written_.writing = true;
        std::unique_lock lock(written_.mutex);
        if (!written_.last.empty() && transaction.starts_with(written_.last))
            written_.more.wait_for(lock, 10s, [&] { return !written_.transactions.empty(); });
        written_.more.wait_for(lock, 10s, [&] { return !written_.hold; });
        written_.transactions.push_back(std::move(transaction));
        written_.more.notify_all();
        return counts;
    }
    Written& written_;
};

struct Commit {
    std::vector<std::string> engagements;
    PassTarget target = WindowTarget{};
};

/// Commits all of these concurrently.
void commit(const std::vector<Commit>& commits, Written& written) {
    Runtime runtime;
    CancellationScope scope(runtime);
    Metrics metrics;
    SinkPool sink_pool(scope, [&] { return std::make_unique<RecordingSink>(written); }, 2, 0, metrics);
    WaitGroup background(runtime);
    Committer committer(sink_pool, metrics, runtime, background);
    const auto one = [](Committer& to, Commit what, WaitGroup& tasks) -> Task<> {
        auto batch = std::make_shared<Batch>();
        for (const std::string& id : what.engagements) {
            FetchedEngagement fetched;
            fetched.engagement.id = id;
            batch->engagements.push_back(std::move(fetched));
        }
        PassCheckpoint checkpoint;
        checkpoint.target = what.target;
        const CommitCounts counts = co_await to.commit(std::move(batch), checkpoint);
        EXPECT_EQ(counts.inserted, static_cast<std::int64_t>(what.engagements.size()));
        tasks.remove();
    };
    const auto wait_for_room = [](Committer& of, bool& there, WaitGroup& tasks) -> Task<> {
        co_await of.room();
        there = true;
        tasks.remove();
    };
    const int code = runtime.run(
        [&]() -> Task<int> {
            WaitGroup tasks(runtime);
            for (const Commit& each : commits) {
                tasks.add();
                runtime.spawn(one(committer, each, tasks));
            }
            if (written.hold) {
                while (!written.writing) co_await scope.sleep(1ms);
                tasks.add();
                runtime.spawn(wait_for_room(committer, written.room_at_the_end, tasks));
                co_await scope.sleep(20ms);  // no room may appear meanwhile
                written.room_while_held = written.room_at_the_end;
                const std::lock_guard lock(written.mutex);
                written.hold = false;
                written.more.notify_all();
            }
            co_await tasks.wait();
            co_await background.wait();
            co_return 0;
        },
        10s);
    EXPECT_EQ(code, 0);
}
/// The same; returns what each transaction wrote, sorted.
std::vector<std::string> commit(const std::vector<Commit>& commits) {
    Written written;
    commit(commits, written);
    std::sort(written.transactions.begin(), written.transactions.end());
    return written.transactions;
}

using Transactions = std::vector<std::string>;

TEST(CommitterTest, WindowsThatComeAtOnceShareATransaction) {
    EXPECT_EQ(commit({{{"a"}}, {{"b", "c"}}, {{"d"}}}), Transactions{"a+bc+d"});
}
TEST(CommitterTest, AWindowByItselfDoesNotNeedAnother) {
    EXPECT_EQ(commit({{{"a"}}}), Transactions{"a"});
}
TEST(CommitterTest, SitesOfTheServiceGoAlone) {
    const PassTarget site = SiteTarget{"s1", 1};
    EXPECT_EQ(commit({{{"a"}, site}, {{"b"}, site}}), (Transactions{"a", "b"}));
}
TEST(CommitterTest, WhatCannotBeWrittenTogetherIsWrittenEachOnItsOwn) {
    Written written;
    written.refuse_groups = true;
    commit({{{"a"}}, {{"b"}}}, written);
    EXPECT_EQ(written.transactions, (Transactions{"a", "b"}));
}
TEST(CommitterTest, ATransactionTakesSoManyEngagementsAndTheRestGoesWithTheNext) {
    const auto many = [](char name) {
        return std::vector(CommitLimits{}.together * 2 / 3, std::string(1, name));
    };
    const Transactions written = commit({{many('a')}, {many('b')}, {many('c')}, {many('d')}});
    EXPECT_EQ(written.size(), 4U) << "any two together exceed the limit";
    for (const std::string& each : written) EXPECT_EQ(each.find('+'), std::string::npos);
}
TEST(CommitterTest, ThereIsRoomUntilSoManyEngagementsOfWindowsAreUnwritten) {
    const auto after = [](const std::vector<Commit>& commits) {
        Written written;
        written.hold = true;
        commit(commits, written);
        EXPECT_TRUE(written.room_at_the_end);
        return written.room_while_held;
    };
    const std::vector many(CommitLimits{}.unwritten, std::string("a"));
    EXPECT_FALSE(after({{many}}));
    EXPECT_TRUE(after({{{many.begin() + 1, many.end()}}}));
    EXPECT_TRUE(after({{many, SiteTarget{"s1", 1}}})) << "only windows of a backfill count";
}
TEST(CommitterTest, AnEngagementThatIsBeingWrittenIsWaitedForAndHoldsUpNobodyElse) {
    Written written;
    written.last = "a";
    // The first fills a transaction.
    commit({{std::vector(CommitLimits{}.together, std::string("a"))}, {{"a"}}, {{"b"}}}, written);
    ASSERT_EQ(written.transactions.size(), 3U);
    EXPECT_EQ(written.transactions[0], "b");
    EXPECT_EQ(written.transactions[2], "a");
}

}  // namespace
}  // namespace glia
