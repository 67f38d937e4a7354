// The simulation is worth what its model of the database is worth: the same calls to the model and to
// PostgreSQL give the same answers and end in the same tables.
#include <gtest/gtest.h>

#include <random>

#include "daemon/parse/timestamp.hpp"
#include "sinks/postgres/postgres_sink.hpp"
#include "tests/integration/database.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {
namespace {

const Instant kNoon = *parse_timestamp("2024-01-01T12:00:00Z");

/// One random call, made on both.
class Twins {
  public:
    Twins(Sink& real, simulation::ModelDatabase& model, unsigned seed)
        : real_(real), model_(model), random_(seed) {}

    void step() {
        if (pick(40) == 0) return forget();
        switch (pick(9)) {
            case 0:
                acquire();
                break;
            case 1:
                release();
                break;
            case 2:
                reset();
                break;
            case 3:
                claim();
                break;
            case 4:
                settle();
                break;
            case 5:
                commit_together();
                break;
            default:
                commit();
        }
    }

  private:
    int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
    std::string some(const char* prefix, int n) { return prefix + std::to_string(pick(n)); }
    Instant some_time() { return kNoon + Seconds{pick(100)}; }

    /// What both do: an answer as text, or the kind of error.
    template <typename Call>
    std::string answer(Sink& sink, Call call) {
        model_.now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
        try {
            return call(sink);
        } catch (const SinkError& error) {
            return "error " + std::to_string(static_cast<int>(error.kind()));
        }
    }
    template <typename Call>
    std::string both(Call call) {
        const std::string of_real = answer(real_, call);
        EXPECT_EQ(answer(model_, call), of_real);
        return of_real;
    }

    void acquire() {
        const std::string site = some("s", 2);
        const std::string owner = some("owner", 2);
        both([&](Sink& sink) -> std::string {
            const SiteAcquired acquired = sink.acquire_site(site, owner, Seconds{3600}, true);
            if (!acquired.lease) return "held by " + acquired.owner;
            epochs_[site] = acquired.lease->epoch;
            return std::to_string(acquired.lease->epoch) + " " +
                   (acquired.lease->synced_through ? to_text(*acquired.lease->synced_through) : "never") +
                   " " +
                   (acquired.lease->open_pass ? acquired.lease->open_pass->next_page.value_or("first")
                                              : "none");
        });
    }
    void release() {
        const std::string site = some("s", 2);
        const std::int64_t epoch = epochs_[site] - pick(2);
        both([&](Sink& sink) -> std::string {
            sink.release_site(site, epoch, {std::chrono::milliseconds{0}, pick(1) ? "error" : ""});
            return "";
        });
    }
    void reset() {
        const std::string site = some("s", 2);
        const Instant to = some_time();
        both([&](Sink& sink) -> std::string {
            const ResetResult result = sink.reset_site(site, to);
            return std::to_string(result.known) + std::to_string(result.moved);
        });
    }
    void forget() {
        ForgetOrder order;
        (pick(2) ? order.engagement_id : order.visitor_id) = some(pick(2) ? "e" : "v", 6);
        both([&](Sink& sink) -> std::string {
            sink.forget(order);
            return std::to_string(sink.erase_ordered().engagements);
        });
    }
    void claim() {
        const std::string owner = some("owner", 2);
        const Seconds ttl{pick(2) * 3600};
        both([&](Sink& sink) -> std::string {
            std::set<std::string> ids;
            for (const DetailJob& job : sink.claim_details({owner, 100, ttl}))
                ids.insert(job.engagement_id + "/" + std::to_string(job.attempts));
            std::string text;
            for (const std::string& id : ids) text += id + " ";
            return text;
        });
    }

    Engagement some_engagement(bool with_legs) {
        Engagement e;
        e.id = some("e", 6);
        e.created_at = kNoon - Seconds{e.id.back()};
        e.duration = pick(3);
        e.visitor_id = some("v", 6);
        if (with_legs) {
            e.legs.emplace();
            for (int i = pick(3); i >= 0; --i) {
                Leg& leg = e.legs->emplace_back();
                leg.id = "l" + std::to_string(i);
                leg.duration = pick(2);
                if (pick(2)) leg.ended_at = kNoon;
            }
        }
        return e;
    }
    FetchedEngagement some_record(RecordSource source, const std::string& site) {
        FetchedEngagement fetched;
        fetched.engagement = some_engagement(source == RecordSource::detail || pick(6) == 0);
        fetched.source = source;
        fetched.fetched_at = some_time();
        fetched.site_id = source == RecordSource::list ? site : "";
        if (is_ongoing(fetched.engagement, kNoon)) fetched.refetch_in = Seconds{3600};
        return fetched;
    }

    void commit() {
        const std::string site = some("s", 2);
        Batch batch;
        for (int i = pick(4); i > 0; --i) batch.engagements.push_back(some_record(RecordSource::list, site));
        std::optional<PassCheckpoint> checkpoint;
        if (pick(2)) {
            checkpoint.emplace();
            const std::int64_t epoch = epochs_[site] - (pick(4) == 0 ? 1 : 0);
            if (pick(3)) {
                checkpoint->target = SiteTarget{site, epoch};
            } else {
                checkpoint->target = TierTarget{site, epoch, {Seconds{60}}};
            }
            checkpoint->pass.from = kNoon - std::chrono::hours{9};
            checkpoint->pass.started_at = some_time();
            checkpoint->complete = pick(2) == 0;
            if (!checkpoint->complete) checkpoint->pass.next_page = some("link", 9);
            if (checkpoint->complete && std::holds_alternative<SiteTarget>(checkpoint->target))
                checkpoint->watermark = checkpoint->pass.started_at;
        }
        both([&](Sink& sink) { return counts(sink.commit(batch, checkpoint)); });
    }
    /// In one transaction by the real one, one after the other by the model.
    void commit_together() {
        std::vector<Batch> batches(static_cast<std::size_t>(1 + pick(3)));
        for (Batch& batch : batches) {
            const std::string site = some("s", 2);
            for (int i = pick(5); i > 0; --i)
                batch.engagements.push_back(some_record(RecordSource::list, site));
        }
        std::vector<CommitPart> parts;
        for (const Batch& batch : batches) parts.push_back({&batch, nullptr});
        const auto join = [](const std::vector<CommitCounts>& all) {
            std::string text;
            for (const CommitCounts& one : all) text += counts(one) + " ";
            return text;
        };
        const std::string of_real =
            answer(real_, [&](Sink& sink) { return join(sink.commit_together(parts)); });
        const std::string of_model = answer(model_, [&](Sink& sink) {
            std::vector<CommitCounts> all;
            for (const Batch& batch : batches) all.push_back(sink.commit(batch, std::nullopt));
            return join(all);
        });
        EXPECT_EQ(of_model, of_real);
    }
    void settle() {
        Batch batch;
        batch.claim_owner = some("owner", 2);
        for (int i = pick(3); i >= 0; --i) {
            FetchedEngagement fetched = some_record(RecordSource::detail, "");
            DetailOutcome outcome;
            outcome.engagement_id = fetched.engagement.id;
            const bool twice =
                std::any_of(batch.details.begin(), batch.details.end(),
                            [&](const auto& other) { return other.engagement_id == outcome.engagement_id; });
            if (twice) continue;
            if (pick(3)) {
                outcome.fetched_at = fetched.fetched_at;
                batch.engagements.push_back(std::move(fetched));
            } else {
                outcome.attempted = pick(2) == 0;
                outcome.error = "e";
                outcome.retry_in = Seconds{pick(2) * 3600};
                outcome.parked = pick(2) == 0;
            }
            batch.details.push_back(std::move(outcome));
        }
        both([&](Sink& sink) { return counts(sink.commit(batch, std::nullopt)); });
    }
    static std::string counts(const CommitCounts& counts) {
        return std::to_string(counts.inserted) + "/" + std::to_string(counts.changed) + "/" +
               std::to_string(counts.legs) + "/" + std::to_string(counts.queued) + "/" +
               std::to_string(counts.forgotten);
    }

    Sink& real_;
    simulation::ModelDatabase& model_;
    std::mt19937 random_;
    std::map<std::string, std::int64_t> epochs_;
};

std::string hex(const std::optional<ContentHash>& hash) {
    return hash ? to_bytea(*hash) : "NULL";
}
std::string time(const OptionalInstant& at) {
    return at ? std::to_string(at->time_since_epoch().count()) : "NULL";
}

/// The model's tables, in the form of the queries below.
std::string tables(const simulation::ModelDatabase& model) {
    std::string text;
    const auto add = [&](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
    for (const auto& [id, row] : model.rows) {
        std::string sites, legs;
        for (const auto& site : row.sites) sites += (sites.empty() ? "" : ",") + site;
        for (const Leg& leg : row.legs)
            legs += (legs.empty() ? "" : ",") + leg.id + ":" + std::to_string(*leg.duration);
        add(id + "|" + std::to_string(*row.core.duration) + "|" + hex(row.state.core_hash) + "|" +
            hex(row.state.list_hash) + "|" + hex(row.state.legs_hash) + "|" + time(row.state.fetched_at) +
            "|" + time(row.state.legs_fetched_at) + "|" + (sites.empty() ? "NULL" : sites) + "|" +
            (legs.empty() ? "NULL" : legs));
    }
    for (const auto& [id, queued] : model.details) {
        add(id + "|" + time(queued.wanted_after) + "|" + std::to_string(queued.attempts) + "|" +
            (queued.parked ? "t" : "f") + "|" + (queued.claimed_by.empty() ? "NULL" : queued.claimed_by));
    }
    for (const auto& [id, next] : model.ongoing) add(id);
    for (const auto& [id, site] : model.sites) {
        add(id + "|" + time(site.synced_through) + "|" +
            time(site.open_pass ? site.open_pass->from : OptionalInstant{}) + "|" +
            (site.open_pass ? site.open_pass->next_page.value_or("NULL") : "NULL") + "|" +
            std::to_string(site.lease_epoch) + "|" + (site.lease_owner.empty() ? "NULL" : site.lease_owner) +
            "|" + std::to_string(site.tiers.size()));
    }
    return text;
}

std::string tables(const Database& database) {
    const auto micros = [](const std::string& column) {
        return "(extract(epoch FROM " + column + ") * 1000000)::bigint";
    };
    std::string text;
    for (const std::string& query :
         {"SELECT id, duration, core_hash, list_hash, legs_hash, " + micros("fetched_at") + ", " +
              micros("legs_fetched_at") +
              ", (SELECT string_agg(site_id, ',' ORDER BY site_id) FROM engagement_sites s WHERE "
              "s.engagement_id = e.id)"
              ", (SELECT string_agg(l.id || ':' || l.duration, ',' ORDER BY position) FROM legs l WHERE "
              "l.engagement_id"
              " = e.id) FROM engagements e ORDER BY id",
          "SELECT engagement_id, " + micros("wanted_after") +
              ", attempts, parked, claimed_by FROM detail_queue ORDER BY 1",
          std::string("SELECT engagement_id FROM ongoing_engagements ORDER BY 1"),
          "SELECT site_id, " + micros("synced_through") + ", " + micros("pass_from") +
              ", pass_next_page, lease_epoch, lease_owner, (SELECT count(*) FROM revisit_state r WHERE "
              "r.site_id ="
              " s.site_id) FROM sync_state s ORDER BY 1"}) {
        const std::string rows = database.sql("SET search_path = glia; " + query);
        if (!rows.empty()) text += (text.empty() ? "" : "\n") + rows;
    }
    return text;
}

class TheModel : public ::testing::TestWithParam<unsigned> {};

TEST_P(TheModel, AnswersAndEndsAsPostgresqlDoes) {
    Database database;
    const auto sink = postgres::open({database.dsn(), "glia"});
    sink->migrate();
    simulation::ModelDatabase model;
    for (const char* site : {"s0", "s1"}) {
        sink->acquire_site(site, "nobody", Seconds{0}, true);
        model.acquire_site(site, "nobody", Seconds{0}, true);
        sink->release_site(site, 1, {});
        model.release_site(site, 1, {});
    }
    Twins twins(*sink, model, GetParam());
    for (int i = 0; i < 150 && !HasFailure(); ++i) twins.step();
    EXPECT_EQ(tables(model), tables(database));
}
INSTANTIATE_TEST_SUITE_P(Seeds, TheModel, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace glia
