// Scans of stored rows save lookups; the resulting tables do not depend on them.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "tests/integration/fixture.hpp"
#include "tests/integration/scan_limits.hpp"

namespace glia {
namespace {

/// Batches of list items and details of few engagements: most are repeated, some change and change back.
class RandomBatches {
  public:
    explicit RandomBatches(unsigned seed) : random_(seed) {}

    std::vector<Batch> next() {
        std::vector<Batch> batches(static_cast<std::size_t>(1 + pick(3)));
        now_ += Seconds{60};
        for (Batch& batch : batches) {
            const std::string site = "s" + std::to_string(pick(3));
            const bool listed_in_order = pick(2) == 0;
            const int first = pick(60), count = pick(90);
            for (int i = 0; i < count; ++i)
                batch.engagements.push_back(record(listed_in_order ? (first + i) % 150 : pick(150), site));
        }
        return batches;
    }

  private:
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

    FetchedEngagement record(int number, const std::string& site) {
        Engagement e = engagement("e" + std::to_string(number));
        e.created_at = kNoon + Seconds{number * 30};
        if (pick(20) == 0) e.created_at = kNoon + Seconds{pick(5000)};
        e.duration = pick(12) == 0 ? pick(3) : 1;
        if (pick(15) == 0) e.audio_recording_urls.clear();
        const bool is_detail = pick(10) == 0;
        if (is_detail || number % 4 == 0) {
            e.legs = {leg("l1")};
            if (pick(12) == 0) e.legs = {leg("l1"), leg("l2")};
        }
        const Instant fetched_at = now_ - Seconds{pick(4) == 0 ? pick(200) : 0};
        FetchedEngagement fetched = is_detail ? detailed(e, fetched_at) : listed(e, fetched_at, site);
        if (number % 11 == 0 && pick(2) == 0) fetched.refetch_in = Seconds{3600};
        return fetched;
    }

    std::mt19937 random_;
    Instant now_ = kNoon;
};

/// All data and state that a commit writes, without the times of the transactions.
std::string data_and_state(const Database& database) {
    std::string text;
    for (const std::string table :
         {"engagements", "engagement_sites", "engagement_operators", "engagement_queues", "audio_recordings",
          "legs", "leg_queues", "queues", "detail_queue", "ongoing_engagements"}) {
        text +=
            table + "\n" +
            database.sql(
                "SET search_path = glia; SELECT ((to_jsonb(t) - "
                "'{first_seen_at,changed_at,enqueued_at,next_fetch_at,updated_at,first_complete_at}'::text[])"
                " || jsonb_build_object('is_complete', to_jsonb(t) -> 'first_complete_at' <> 'null'))::text "
                "AS line FROM " +
                table + " t ORDER BY line") +
            "\n";
    }
    return text;
}

class ScanThresholds : public ::testing::TestWithParam<unsigned> {};

TEST_P(ScanThresholds, DoNotChangeWhatEndsInTheTables) {
    struct Written {
        Database database;
        std::unique_ptr<Sink> sink;
    };
    std::array<Written, 3> all;
    const std::array<postgres::ScanThresholds, 3> thresholds{postgres::ScanThresholds{}, kScanAlways,
                                                             kScanNever};
    for (std::size_t i = 0; i < all.size(); ++i) {
        postgres::Settings settings{all[i].database.dsn(), "glia"};
        settings.scans = thresholds[i];
        all[i].sink = postgres::open(settings);
        all[i].sink->migrate();
    }
    RandomBatches random(GetParam());
    for (int commit = 0; commit < 25 && !HasFailure(); ++commit) {
        const std::vector<Batch> batches = random.next();
        std::vector<CheckpointedBatch> commits;
        for (const Batch& batch : batches) commits.push_back({&batch, nullptr});
        std::array<std::vector<CommitCounts>, 3> counts;
        for (std::size_t i = 0; i < all.size(); ++i) counts[i] = all[i].sink->commit_together(commits);
        for (std::size_t i = 0; i < commits.size(); ++i) {
            for (const std::size_t other : {1, 2}) {
                EXPECT_EQ(counts[0][i].inserted, counts[other][i].inserted);
                EXPECT_EQ(counts[0][i].changed, counts[other][i].changed);
                EXPECT_EQ(counts[0][i].legs, counts[other][i].legs);
                EXPECT_EQ(counts[0][i].queued, counts[other][i].queued);
            }
        }
    }
    const std::string by_default = data_and_state(all[0].database);
    EXPECT_EQ(by_default, data_and_state(all[1].database)) << "with every threshold at zero";
    EXPECT_EQ(by_default, data_and_state(all[2].database)) << "with every threshold at infinity";
    EXPECT_GT(by_default.size(), 10'000U);
}
INSTANTIATE_TEST_SUITE_P(Seeds, ScanThresholds, ::testing::Range(1U, 7U));

}  // namespace
}  // namespace glia
