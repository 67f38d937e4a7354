// The enrichers' queue and results against a real PostgreSQL.
#include <gtest/gtest.h>

#include "tests/integration/fixture.hpp"

namespace glia {
namespace {

class Enrichments : public SinkTest {
  protected:
    void SetUp() override {
        SinkTest::SetUp();
        postgres::Settings settings{database.dsn(), "glia"};
        settings.enrich = {true, true};
        sink = postgres::open(settings);
    }
    std::vector<WorkJob> claim(WorkKind kind, const std::string& instance_id = "me", int limit = 10) {
        return sink->work_queue().claim({kind, instance_id, limit, Seconds{60}});
    }
    static std::string names(const std::vector<WorkJob>& jobs) {
        std::set<std::string> sorted;
        for (const WorkJob& job : jobs) sorted.insert(job.engagement_id + "/" + job.item);
        std::string text;
        for (const std::string& name : sorted) text += (text.empty() ? "" : " ") + name;
        return text;
    }
    static WorkOutcome transcript(const WorkJob& job, std::vector<std::string> texts, Instant when = kNoon) {
        WorkOutcome outcome;
        outcome.job = job;
        outcome.fetched_at = when;
        outcome.messages.emplace();
        for (const std::string& text : texts) outcome.messages->emplace_back().message = text;
        return outcome;
    }
    static WorkOutcome recording(const WorkJob& job) {
        WorkOutcome outcome;
        outcome.job = job;
        outcome.fetched_at = kNoon;
        outcome.file = RecordingFile{"aa/" + job.engagement_id + "/" + job.item, 5, "hash"};
        return outcome;
    }
    std::string chat() const {
        return sql(
            "SELECT string_agg(engagement_id || position || message, ' ' ORDER BY engagement_id, position) "
            "FROM chat_messages");
    }
};

TEST_F(Enrichments, AreAskedForWithTheEngagement) {
    commit({listed(engagement("e1"))});
    EXPECT_EQ(names(claim(WorkKind::transcript)), "")
        << "its legs, which show whether it has ended, are not fetched yet";
    EXPECT_EQ(names(claim(WorkKind::recording)), "e1/u1 e1/u2");
    commit({detailed(engagement("e1"), kNoon + Seconds{1})});
    EXPECT_EQ(names(claim(WorkKind::transcript)), "e1/");
    EXPECT_EQ(names(claim(WorkKind::transcript, "another")), "") << "another instance has claimed it";
}
TEST_F(Enrichments, TheNameOfAForgottenOperatorLeavesTheChatsAndStaysAway) {
    const auto chat_of = [this](const std::string& id) {
        commit({detailed(engagement(id))});
        WorkOutcome outcome = transcript(claim(WorkKind::transcript).at(0), {"a", "b", "c"});
        for (ChatMessage& message : *outcome.messages) {
            message.sender_type = "operator";
            message.sender_name = "Ann";
            message.sender_href = "https://x/operators/o1";
        }
        outcome.messages->at(0).extra = R"({"sender":{"nick":"Annie"},"x":1})";
        outcome.messages->at(1).sender_href = "https://x/operators/o11";
        outcome.messages->at(2).sender_type = "visitor";
        sink->work_queue().complete(WorkKind::transcript, outcome, "me");
    };
    const auto senders = [this] {
        return sql(
            "SELECT string_agg(concat_ws(',', engagement_id, sender_name, extra), ' ' ORDER BY "
            "engagement_id, position) FROM chat_messages");
    };
    chat_of("e1");
    ForgetOrder order;
    order.operator_id = "o1";
    sink->erasures().forget(order);
    erase_ordered(*sink);
    EXPECT_EQ(senders(), "e1 e1,Ann e1,Ann");
    chat_of("e2");
    EXPECT_EQ(senders(), "e1 e1,Ann e1,Ann e2 e2,Ann e2,Ann");
}
TEST_F(Enrichments, AreNotAskedForAgainWhileNothingChanges) {
    commit({detailed(engagement("e1"))});
    EXPECT_EQ(sink->work_queue().complete(WorkKind::transcript,
                                          transcript(claim(WorkKind::transcript)[0], {"a"}), "me"),
              ClaimResult::written);
    commit({detailed(engagement("e1"), kNoon + Seconds{1})});
    EXPECT_EQ(names(claim(WorkKind::transcript)), "");
    Engagement changed = engagement("e1");
    changed.flagged = true;
    commit({detailed(changed, kNoon + Seconds{2})});
    EXPECT_EQ(names(claim(WorkKind::transcript)), "e1/");
    EXPECT_EQ(names(claim(WorkKind::recording)), "e1/u1 e1/u2");
}
TEST_F(Enrichments, AChangeWhileATranscriptIsFetchedAsksForItOnceMore) {
    commit({detailed(engagement("e1"))});
    const auto job = claim(WorkKind::transcript)[0];
    Engagement changed = engagement("e1");
    changed.flagged = true;
    commit({detailed(changed, kNoon + Seconds{9})});
    EXPECT_EQ(
        sink->work_queue().complete(WorkKind::transcript, transcript(job, {"old"}, kNoon + Seconds{5}), "me"),
        ClaimResult::written);
    EXPECT_EQ(names(claim(WorkKind::transcript)), "e1/");
}
TEST_F(Enrichments, ATranscriptQueuedByAClockThatWasAheadIsFetchedOnce) {
    commit({detailed(engagement("e1"), kNoon + std::chrono::hours{2})});
    const auto fetch = [this] {
        const auto jobs = claim(WorkKind::transcript);
        ASSERT_EQ(names(jobs), "e1/");
        WorkOutcome outcome = transcript(jobs[0], {"a"});
        outcome.sent_at = std::chrono::steady_clock::now();
        EXPECT_EQ(sink->work_queue().complete(WorkKind::transcript, outcome, "me"), ClaimResult::written);
        EXPECT_EQ(names(claim(WorkKind::transcript)), "");
    };
    fetch();
    EXPECT_EQ(sink->work_queue().request(WorkKind::transcript, {"e1"}, true), 1);
    fetch();
    EXPECT_EQ(sql("SELECT wanted_after <= '2024-01-01T12:00:00Z' FROM work_items WHERE kind = 'transcript'"),
              "t")
        << "the wrong time is replaced";
}
TEST_F(Enrichments, ATranscriptIsReplacedAsASetAndUnchangedRowsAreNotWritten) {
    commit({detailed(engagement("e1")), detailed(engagement("e2"))});
    auto jobs = claim(WorkKind::transcript);
    for (const auto& job : jobs)
        sink->work_queue().complete(WorkKind::transcript, transcript(job, {"a", "b", "c"}), "me");
    EXPECT_EQ(chat(), "e10a e11b e12c e20a e21b e22c");
    const std::string before =
        sql("SELECT xmin FROM chat_messages WHERE engagement_id = 'e1' AND position = 0");
    sql("UPDATE enrichments SET waiting = true");
    jobs = claim(WorkKind::transcript);
    sink->work_queue().complete(WorkKind::transcript, transcript({"e1", "", 0}, {"a", "B"}), "me");
    EXPECT_EQ(chat(), "e10a e11B e20a e21b e22c");
    EXPECT_EQ(sql("SELECT xmin FROM chat_messages WHERE engagement_id = 'e1' AND position = 0"), before);
}
TEST_F(Enrichments, AClaimThatPassedOnWritesNothing) {
    commit({detailed(engagement("e1"))});
    const auto job = claim(WorkKind::transcript)[0];
    sql("UPDATE enrichments SET claimed_until = now() - interval '1 second'");
    EXPECT_EQ(names(claim(WorkKind::transcript, "another")), "e1/");
    EXPECT_EQ(sink->work_queue().complete(WorkKind::transcript, transcript(job, {"late"}), "me"),
              ClaimResult::lost);
    EXPECT_EQ(chat(), "NULL");
    EXPECT_EQ(sink->work_queue().complete(WorkKind::transcript, transcript(job, {"right"}), "another"),
              ClaimResult::written);
}
TEST_F(Enrichments, WhatWasErasedMeanwhileIsNotWritten) {
    commit({detailed(engagement("e1"))});
    const auto job = claim(WorkKind::transcript)[0];
    sink->erasures().forget({"e1", {}, {}});
    erase_ordered(*sink);
    EXPECT_EQ(sink->work_queue().complete(WorkKind::transcript, transcript(job, {"late"}), "me"),
              ClaimResult::erased);
    EXPECT_EQ(chat(), "NULL");
}
TEST_F(Enrichments, AJobQueuedAfterTheErasureBringsNothingBack) {
    commit({detailed(engagement("e1"))});
    sink->erasures().forget({"e1", {}, {}});
    erase_ordered(*sink);
    // A scan for missed engagements has read e1 before the erasure, and queues its job after it.
    sql("INSERT INTO work_items (engagement_id, kind, created_at, wanted_after) "
        "VALUES ('e1', 'transcript', now(), '-infinity')");
    const auto job = claim(WorkKind::transcript).at(0);
    EXPECT_EQ(sink->work_queue().complete(WorkKind::transcript, transcript(job, {"late"}), "me"),
              ClaimResult::erased);
    EXPECT_EQ(chat(), "NULL");
    EXPECT_EQ(sql("SELECT count(*) FROM work_items"), "0");
}
TEST_F(Enrichments, AChatThatIsWrittenDuringTheErasureIsErasedToo) {
    commit({detailed(engagement("e1"))});
    const auto job = claim(WorkKind::transcript).at(0);
    ClaimResult result = ClaimResult::written;
    while_another_writes(
        database,
        [](pqxx::work& erasure) {
            erasure.exec("DELETE FROM engagements WHERE id = 'e1'");
            erasure.exec("DELETE FROM chat_messages WHERE engagement_id = 'e1'");
        },
        [&] { result = sink->work_queue().complete(WorkKind::transcript, transcript(job, {"late"}), "me"); });
    EXPECT_EQ(result, ClaimResult::erased);
    EXPECT_EQ(chat(), "NULL");
}
TEST_F(Enrichments, AFailureWaitsAndCounts) {
    commit({detailed(engagement("e1"))});
    WorkOutcome outcome;
    outcome.job = claim(WorkKind::transcript)[0];
    outcome.error = "no";
    outcome.retry_in = Seconds{3600};
    sink->work_queue().complete(WorkKind::transcript, outcome, "me");
    EXPECT_EQ(names(claim(WorkKind::transcript)), "");
    EXPECT_EQ(sql("SELECT attempts, last_error FROM enrichments WHERE kind = 'transcript'"), "1|no");
    sql("UPDATE enrichments SET next_attempt_at = now()");
    outcome.job = claim(WorkKind::transcript)[0];
    EXPECT_EQ(outcome.job.attempts, 1);
    outcome.attempted = false;
    outcome.error.clear();
    outcome.retry_in = Seconds{0};
    sink->work_queue().complete(WorkKind::transcript, outcome, "me");
    EXPECT_EQ(sql("SELECT attempts FROM enrichments WHERE kind = 'transcript'"), "1");
    EXPECT_EQ(names(claim(WorkKind::transcript)), "e1/");
}
TEST_F(Enrichments, AFileGoesWithItsUrlWhateverPlaceThatHas) {
    commit({detailed(engagement("e1"))});
    for (const auto& job : claim(WorkKind::recording))
        sink->work_queue().complete(WorkKind::recording, recording(job), "me");
    Engagement changed = engagement("e1");
    changed.audio_recording_urls = {"u0", "u2", "u1"};
    commit({detailed(changed, kNoon + Seconds{1})});
    EXPECT_EQ(
        sql("SELECT string_agg(url || '=' || coalesce(path, 'none') || coalesce(size_bytes, 0), ' ' ORDER BY "
            "position) FROM audio_recordings"),
        "u0=none0 u2=aa/e1/u25 u1=aa/e1/u15");
    EXPECT_EQ(names(claim(WorkKind::recording)), "e1/u0") << "the others are never downloaded again";
    changed.audio_recording_urls = {};
    commit({detailed(changed, kNoon + Seconds{2})});
    changed.audio_recording_urls = {"u1"};
    commit({detailed(changed, kNoon + Seconds{3})});
    EXPECT_EQ(sql("SELECT path, sha256, downloaded_at IS NOT NULL FROM audio_recordings"), "aa/e1/u1|hash|t");
}
TEST_F(Enrichments, WhatCameWhileTheyWereOffIsAskedForLater) {
    const auto without = open();
    const auto load = [&](Engagement e, Instant when) {
        Batch batch;
        batch.engagements.push_back(detailed(std::move(e), when));
        without->commit(batch, std::nullopt);
    };
    for (int i = 0; i < 3; ++i) load(engagement("e" + std::to_string(i)), kNoon);
    EXPECT_EQ(names(claim(WorkKind::transcript)), "");
    EXPECT_FALSE(sink->enrichments().enqueue_missed(WorkKind::transcript, {}));
    EXPECT_FALSE(sink->enrichments().enqueue_missed(WorkKind::recording, {}));
    sink->enrichments().record_enqueued(WorkKind::transcript, Seconds{1});
    EXPECT_EQ(names(claim(WorkKind::recording)), "e0/u1 e0/u2 e1/u1 e1/u2 e2/u1 e2/u2");
    for (const auto& job : claim(WorkKind::transcript))
        sink->work_queue().complete(WorkKind::transcript, transcript(job, {"a"}), "me");
    Engagement changed = engagement("e1");
    changed.flagged = true;
    load(changed, kNoon + Seconds{1});
    sink->enrichments().enqueue_missed(WorkKind::transcript, {});
    EXPECT_EQ(names(claim(WorkKind::transcript)), "e1/");
}
TEST_F(Enrichments, OneInstanceClaimsTheSample) {
    EXPECT_TRUE(sink->enrichments().claim_wait_sample(Seconds{60}));
    EXPECT_FALSE(open()->enrichments().claim_wait_sample(Seconds{60}));
    sql("UPDATE enrichers SET next_at = now()");
    EXPECT_TRUE(open()->enrichments().claim_wait_sample(Seconds{60}));
    sink->enrichments().add_wait_sample("s1", kNoon, 7);
    sink->enrichments().add_wait_sample("s1", kNoon, 8);  // the same call again
    EXPECT_EQ(sql("SELECT average_duration_in_seconds FROM queue_wait_samples"), "7");
}
TEST_F(Enrichments, StatusShowsTheirLastResults) {
    commit({detailed(engagement("e1"))});
    sink->enrichments().record_result("queue_wait", "refused");
    sink->enrichments().record_result("transcript", "");
    const auto enrichers = sink->reports().status().enrichers;
    ASSERT_EQ(enrichers.size(), 3u);
    EXPECT_EQ(enrichers[0].kind, "queue_wait");
    EXPECT_EQ(enrichers[0].last_error, "refused");
    EXPECT_EQ(enrichers[1].kind, "recording");
    EXPECT_EQ(enrichers[1].waiting, 2);
    EXPECT_TRUE(enrichers[2].last_success_at);
}

}  // namespace
}  // namespace glia
