// WorkDrain: which job is fetched next, what a response means, what is written together, and when a drain
// gives up.
#include "daemon/sync/work_drain.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

using namespace std::chrono_literals;
using Drain = WorkDrain;

const Instant kNoon = Instant{} + std::chrono::hours{474468};
const ApiError kDown{ApiError::Kind::unavailable, 503, "away"};

WorkJob job(const std::string& id, int attempts = 0) {
    return {id, "", attempts};
}
FetchedDetail detail(const std::string& id) {
    FetchedDetail fetched;
    fetched.fetched_at = kNoon;
    fetched.detail.engagement.emplace();
    fetched.detail.engagement->id = id;
    fetched.detail.engagement->legs.emplace();
    return fetched;
}

/// A drain whose clock stands still, unless a test moves it.
struct Script {
    explicit Script(WorkKind kind, std::vector<WorkJob> jobs = {}, int most_in_flight = 2)
        : drain(kind, "me", {}, most_in_flight) {
        if (!jobs.empty()) claim(std::move(jobs));
    }
    template <typename Wanted>
    Wanted step() {
        Drain::Step next = drain.next(now);
        EXPECT_TRUE(std::holds_alternative<Wanted>(next)) << "step " << next.index();
        return std::holds_alternative<Wanted>(next) ? std::get<Wanted>(next) : Wanted{};
    }
    int claim(std::vector<WorkJob> jobs) {
        const int limit = step<Drain::Claim>().limit;
        drain.on_claimed(std::move(jobs));
        return limit;
    }
    std::optional<WorkOutcome> respond(WorkResponse response) {
        return drain.on_response(step<Drain::Fetch>().job, std::move(response));
    }
    std::vector<WorkOutcome> written() {
        const auto batch = step<Drain::Write>().batch;
        return batch ? batch->details : std::vector<WorkOutcome>{};
    }
    std::vector<WorkOutcome> handed_back() {
        const auto batch = drain.hand_back();
        return batch ? batch->details : std::vector<WorkOutcome>{};
    }
    std::string held() const {
        std::string ids;
        for (const WorkJob& one : drain.held()) ids += one.engagement_id;
        return ids;
    }

    Milliseconds now{5000};
    WorkDrain drain;
};

// ------------------------------------------------------------------------------------------- every kind

class AnyWork : public ::testing::TestWithParam<WorkKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, AnyWork,
                         ::testing::Values(WorkKind::detail, WorkKind::transcript, WorkKind::recording));

TEST_P(AnyWork, IsClaimedOnceNothingIsLeftAndEndsWhenTheQueueIsEmpty) {
    Script run(GetParam(), {job("e1")});
    EXPECT_EQ(run.step<Drain::Fetch>().job.engagement_id, "e1");
    run.claim({});
    run.drain.on_response(job("e1"), ApiError{ApiError::Kind::not_found, 404, "no"});
    if (GetParam() != WorkKind::detail) run.step<Drain::Write>();
    run.step<Drain::End>();
}
TEST_P(AnyWork, IsClaimedByOneWorkerWhileTheOthersWait) {
    Script run(GetParam());
    run.step<Drain::Claim>();
    run.step<Drain::Wait>();
    run.drain.on_claimed({job("e1")});
    run.step<Drain::Fetch>();
}
TEST_P(AnyWork, FourFetchesInARowWithoutAResponseEndTheDrain) {
    Script run(GetParam(), {job("e1"), job("e2"), job("e3"), job("e4"), job("e5")});
    for (int i = 1; i <= Drain::kFailuresUntilDown; ++i) {
        EXPECT_TRUE(run.respond(kDown));
        EXPECT_EQ(run.drain.result().outcome.reason,
                  i < Drain::kFailuresUntilDown ? ExitReason::done : ExitReason::unavailable);
        if (GetParam() != WorkKind::detail) {
            EXPECT_EQ(run.written().at(0).error, "away");
        }
    }
    run.step<Drain::End>();
    EXPECT_EQ(run.drain.result().outcome.error, "away");
    EXPECT_EQ(run.drain.result().failed, Drain::kFailuresUntilDown);
    EXPECT_FALSE(run.handed_back().back().attempted);
}
TEST_P(AnyWork, ARefusedTokenEndsTheDrainAndCountsNoAttempt) {
    Script run(GetParam(), {job("e1")});
    EXPECT_FALSE(run.respond(ApiError{ApiError::Kind::credentials, 401, "token"}));
    EXPECT_FALSE(run.handed_back().at(0).attempted);
    EXPECT_EQ(run.drain.result().outcome.reason, ExitReason::credentials);
    EXPECT_EQ(run.drain.result().failed, 0);
}
TEST_P(AnyWork, A404IsAboutTheEngagementAndTheOthersGoOn) {
    Script run(GetParam(), {job("e1", 2), job("e2")});
    const auto failure = run.respond(ApiError{ApiError::Kind::not_found, 404, "no"});
    ASSERT_TRUE(failure);
    EXPECT_TRUE(failure->parked);
    EXPECT_EQ(failure->retry_in, 120s);
    if (GetParam() != WorkKind::detail) run.written();
    EXPECT_EQ(run.step<Drain::Fetch>().job.engagement_id, "e2");
    EXPECT_EQ(run.drain.result().outcome.reason, ExitReason::done);
}
TEST_P(AnyWork, WhatNobodyCameToGoesBackUntouched) {
    Script run(GetParam(), {job("e1"), job("e2")});
    const WorkJob begun = run.step<Drain::Fetch>().job;
    run.drain.stop();
    run.step<Drain::End>();
    run.drain.on_response(begun, ApiError{ApiError::Kind::cancelled, 0, "stopped"});
    const auto back = run.handed_back();
    ASSERT_EQ(back.size(), 2u);
    for (const WorkOutcome& outcome : back) {
        EXPECT_FALSE(outcome.attempted);
        EXPECT_FALSE(outcome.fetched_at);
    }
    EXPECT_EQ(run.held(), "");
}

// ---------------------------------------------------------------------------------------------- details

TEST(DetailWork, ALoadedDetailCompletesItsJobInTheSameBatch) {
    Script run(WorkKind::detail, {job("e1")});
    EXPECT_FALSE(run.respond(detail("e1")));
    const auto batch = run.drain.hand_back();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->claimed_by, "me");
    EXPECT_EQ(batch->engagements.size(), 1u);
    EXPECT_EQ(batch->details.at(0).fetched_at, kNoon);
    EXPECT_FALSE(run.drain.hand_back());
}
TEST(DetailWork, ClaimsAreHeldUntilTheyAreHandedOver) {
    Script run(WorkKind::detail, {job("e1"), job("e2")});
    run.respond(detail("e1"));
    run.step<Drain::Fetch>();
    EXPECT_EQ(run.held(), "e1e2");
    run.now += Drain::kBatchTime;
    run.written();
    EXPECT_EQ(run.held(), "e2");
}
TEST(DetailWork, ABatchIsFullByNumber) {
    std::vector<WorkJob> many;
    for (std::size_t i = 0; i < Drain::kBatchDetails; ++i) many.push_back(job("m" + std::to_string(i)));
    Script run(WorkKind::detail, many);
    for (const WorkJob& one : many) run.respond(detail(one.engagement_id));
    EXPECT_EQ(run.written().size(), Drain::kBatchDetails);
}
TEST(DetailWork, ABatchIsFullByTime) {
    Script run(WorkKind::detail, {job("e1"), job("e2"), job("e3")});
    run.respond(detail("e1"));
    run.step<Drain::Fetch>();
    run.now += Drain::kBatchTime;
    EXPECT_EQ(run.written().size(), 1u);
}
TEST(DetailWork, IsWrittenSoonerWhileNothingIsLeftToFetch) {
    Script run(WorkKind::detail, {job("e1"), job("e2")});
    run.step<Drain::Fetch>();
    run.respond(detail("e2"));
    run.claim({});
    run.step<Drain::Wait>();
    run.now += Drain::kPollEvery;
    EXPECT_EQ(run.written().size(), 1u);
}
TEST(DetailWork, IsPolledAgainWhileOthersWaitForResponses) {
    Script run(WorkKind::detail, {job("e1")});
    run.step<Drain::Fetch>();
    run.claim({});
    EXPECT_EQ(run.step<Drain::Wait>().at_most, Drain::kPollEvery);
    run.now += Drain::kPollEvery;
    run.claim({job("e2")});
    run.step<Drain::Fetch>();
}
TEST(DetailWork, MoreIsClaimedWhileClaimsAreSoonUsedUp) {
    Script run(WorkKind::detail);
    const auto used_up = [&](Milliseconds after) {
        run.now += after;
        const int limit = run.claim({job("e")});
        run.step<Drain::Fetch>();
        return limit;
    };
    EXPECT_EQ(used_up(0ms), Drain::kFewestClaimed);
    EXPECT_EQ(used_up(900ms), 2 * Drain::kFewestClaimed);
    for (int i = 1; i < 9; ++i) used_up(1ms);
    EXPECT_EQ(used_up(1ms), Drain::kMostClaimed);
    EXPECT_EQ(used_up(Drain::kClaimInterval), Drain::kFewestClaimed);
}
TEST(DetailWork, OngoingEngagementsAreEnqueuedOnceASecondAtMost) {
    WorkDrain drain(WorkKind::detail, "me", {}, 2, true);
    const auto enqueues = [&](Milliseconds now) {
        const auto claim = std::get<Drain::Claim>(drain.next(now));
        drain.on_claimed({job("e")});
        drain.next(now);
        return claim.enqueue_ongoing;
    };
    EXPECT_TRUE(enqueues(0ms));
    EXPECT_FALSE(enqueues(999ms));
    EXPECT_TRUE(enqueues(1999ms));
}
TEST(DetailWork, OneThatNeverAnswersDoesNotDelayTheOthers) {
    Script run(WorkKind::detail, {job("e1"), job("e2")});
    run.respond(ApiError{ApiError::Kind::unavailable, 0, "timed out"});
    run.respond(detail("e2"));
    run.drain.hand_back();
    EXPECT_EQ(run.drain.result().outcome.reason, ExitReason::done);
}
TEST(DetailWork, IfNoneCameThroughTheApiIsDownHoweverFewThereWere) {
    Script run(WorkKind::detail, {job("e1")});
    run.respond(ApiError{ApiError::Kind::unavailable, 0, "timed out"});
    run.drain.hand_back();
    EXPECT_EQ(run.drain.result().outcome.reason, ExitReason::unavailable);
}
TEST(DetailWork, A500IsAboutTheEngagement) {
    Script run(WorkKind::detail, {job("e1"), job("e2"), job("e3"), job("e4"), job("e5")});
    for (int i = 0; i < Drain::kFailuresUntilDown; ++i)
        run.respond(ApiError{ApiError::Kind::unavailable, 500, "odd"});
    run.step<Drain::Fetch>();
}
TEST(DetailWork, ARejectedDetailStaysInTheQueue) {
    Script run(WorkKind::detail, {job("e1")});
    FetchedDetail bad;
    bad.detail.rejected = RejectedRecord{std::nullopt, "{}", "created_at is missing"};
    EXPECT_EQ(run.respond(std::move(bad))->error, "the record is rejected: created_at is missing");
    const auto batch = run.drain.hand_back();
    EXPECT_EQ(batch->rejected.at(0).record.engagement_id, "e1");
    EXPECT_FALSE(batch->details.at(0).fetched_at);
    EXPECT_TRUE(batch->details.at(0).parked);
}
TEST(DetailWork, ThatACommitAsksForIsWorthAnotherDrain) {
    Script run(WorkKind::detail);
    run.drain.on_committed(0);
    EXPECT_FALSE(run.drain.more_was_queued());
    run.drain.on_committed(1);
    EXPECT_TRUE(run.drain.more_was_queued());
    run.drain.give_up({ExitReason::unavailable, "the database is away"});
    EXPECT_FALSE(run.drain.more_was_queued());
}

// ---------------------------------------------------------------------------- transcripts and recordings

TEST(EnricherWork, EachOutcomeIsWrittenAtOnce) {
    Script run(WorkKind::transcript, {job("e1"), job("e2")});
    run.respond(FetchedContent{kNoon, std::vector<ChatMessage>(2)});
    const auto written = run.written();
    EXPECT_EQ(written.at(0).fetched_at, kNoon);
    EXPECT_EQ(written.at(0).messages->size(), 2u);
    EXPECT_EQ(run.drain.result().fetched, 1);
    EXPECT_EQ(run.held(), "e2");
}
TEST(EnricherWork, ItemsOfOneEngagementAreHeldEach) {
    Script run(WorkKind::recording, {{"e1", "u1", 0}, {"e1", "u2", 0}});
    EXPECT_EQ(run.held(), "e1e1");
    run.respond(NotReady{});
    EXPECT_EQ(run.written().at(0).job.item, "u1");
    EXPECT_EQ(run.drain.held().at(0).item, "u2");
}
TEST(EnricherWork, ARecordingThatIsBeingMadeIsAskedForLaterAndIsNoFailure) {
    Script run(WorkKind::recording, {{"e1", "u1", 3}});
    EXPECT_FALSE(run.respond(NotReady{}));
    const WorkOutcome outcome = run.written().at(0);
    EXPECT_TRUE(outcome.attempted);
    EXPECT_EQ(outcome.retry_in, 40s);
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(run.drain.result().failed, 0);
}
TEST(EnricherWork, AFullDiskEndsTheDrainAndIsNothingAboutTheRecording) {
    Script run(WorkKind::recording, {job("e1")});
    EXPECT_FALSE(run.respond(Blocked{{ExitReason::unavailable, "recordings: no space left"}}));
    EXPECT_FALSE(run.written().at(0).attempted);
    run.step<Drain::End>();
    EXPECT_EQ(run.drain.result().outcome.error, "recordings: no space left");
}
TEST(EnricherWork, AResponseBetweenEndsTheRowOfFailures) {
    std::vector<WorkJob> jobs(7, job("e"));
    Script run(WorkKind::transcript, jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        run.respond(i == 3 ? WorkResponse(FetchedContent{kNoon}) : WorkResponse(kDown));
        run.written();
    }
    EXPECT_EQ(run.drain.result().outcome.reason, ExitReason::done);
}
TEST(EnricherWork, A500IsAFailureOfTheStorage) {
    Script run(WorkKind::recording, std::vector<WorkJob>(4, job("e")));
    for (int i = 0; i < Drain::kFailuresUntilDown; ++i) {
        run.respond(ApiError{ApiError::Kind::unavailable, 500, "odd"});
        run.written();
    }
    EXPECT_EQ(run.drain.result().outcome.reason, ExitReason::unavailable);
}
TEST(EnricherWork, WhatIsLostOrErasedMeanwhileDoesNotCount) {
    Script run(WorkKind::transcript, {job("e1"), job("e2"), job("e3")});
    for (const ClaimResult claim : {ClaimResult::written, ClaimResult::lost, ClaimResult::erased}) {
        run.respond(FetchedContent{kNoon});
        const bool undo = run.drain.on_completed(run.written().at(0), claim);
        EXPECT_EQ(undo, claim == ClaimResult::erased);
    }
    EXPECT_EQ(run.drain.result().fetched, 1);
    EXPECT_EQ(run.drain.result().failed, 0);
}
TEST(EnricherWork, AValueThatTheSinkRefusesIsAFailureOfItsJob) {
    Script run(WorkKind::transcript, {job("e1")});
    run.respond(FetchedContent{kNoon});
    const WorkOutcome outcome = run.written().at(0);
    EXPECT_FALSE(run.drain.on_refused(outcome, SinkError(SinkError::Kind::unavailable, "away")));
    const auto failure = run.drain.on_refused(outcome, SinkError(SinkError::Kind::internal, "out of range"));
    ASSERT_TRUE(failure);
    EXPECT_FALSE(failure->fetched_at);
    EXPECT_EQ(failure->error, "it cannot be written: out of range");
    EXPECT_EQ(run.drain.result().fetched, 0);
    EXPECT_EQ(run.drain.result().failed, 1);
    EXPECT_FALSE(run.drain.on_refused(*failure, SinkError(SinkError::Kind::internal, "out of range")));
}
TEST(EnricherWork, NothingWasLeftOfAnErasedOneThatWasNotFetched) {
    Script run(WorkKind::recording, {job("e1")});
    run.respond(NotReady{});
    EXPECT_FALSE(run.drain.on_completed(run.written().at(0), ClaimResult::erased));
}
TEST(EnricherWork, A404OfATranscriptSaysThatThereIsNoChat) {
    const auto content =
        std::get<FetchedContent>(transcript_response(ApiError{ApiError::Kind::not_found, 404, "no"}, kNoon));
    EXPECT_EQ(content.fetched_at, kNoon);
    EXPECT_FALSE(content.messages) << "what is stored stays";
    for (const auto kind : {ApiError::Kind::unavailable, ApiError::Kind::forbidden})
        EXPECT_EQ(std::get<ApiError>(transcript_response(ApiError{kind, 500, "no"}, kNoon)).kind, kind);
    const FetchedTranscript fetched{std::vector<ChatMessage>(2), kNoon + 1s};
    const auto read = std::get<FetchedContent>(transcript_response(fetched, kNoon));
    EXPECT_EQ(read.fetched_at, kNoon + 1s);
    EXPECT_EQ(read.messages->size(), 2u);
}
TEST(EnricherWork, NobodyWaitsForTheLastFetches) {
    Script run(WorkKind::recording, {job("e1")});
    run.step<Drain::Fetch>();
    run.claim({});
    run.step<Drain::End>();
}

}  // namespace
}  // namespace glia
