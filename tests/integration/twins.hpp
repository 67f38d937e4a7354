// The same random calls to a sink and to the simulation's model of a sink: the contract of sinks/sink.hpp.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "tests/integration/fixture.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {

/// Makes the same random call on both.
class Twins {
  public:
    /// `content`: transcripts and operators too, which only PostgreSQL keeps.
    Twins(Sink& real, simulation::ModelDatabase& model, unsigned seed, bool content = false)
        : real_(real), model_(model), random_(seed), content_(content) {}

    void step() {
        if (pick(40) == 0) return forget();
        if (content_ && pick(2) == 0) return content_step();
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
                claim(WorkKind::detail);
                break;
            case 4:
                complete_details();
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
    SiteKey some_site() { return {some("s", 2), pick(3) == 0 ? Stream::operators : Stream::engagements}; }
    std::int64_t& epoch_of(const SiteKey& site) { return epochs_[{site.stream, site.site_id}]; }
    Instant some_time() { return kNoon + Seconds{pick(100)}; }

    /// The result of a call as text, or the kind of its error.
    template <typename Call>
    std::string result_of(Sink& sink, Call call) {
        model_.now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
        try {
            return call(sink);
        } catch (const SinkError& error) {
            return "error " + std::to_string(static_cast<int>(error.kind()));
        }
    }
    template <typename Call>
    std::string both(Call call) {
        const std::string of_real = result_of(real_, call);
        EXPECT_EQ(result_of(model_, call), of_real);
        return of_real;
    }

    void acquire() {
        const SiteKey site = some_site();
        const std::string instance_id = some("instance", 2);
        both([&](Sink& sink) -> std::string {
            const SiteAcquired acquired = sink.site_leases().acquire(site, instance_id, Seconds{3600}, true);
            if (!acquired.lease) return "held by " + acquired.instance_id;
            epoch_of(site) = acquired.lease->epoch;
            return std::to_string(acquired.lease->epoch) + " " +
                   (acquired.lease->synced_through ? to_text(*acquired.lease->synced_through) : "never") +
                   " " +
                   (acquired.lease->open_pass ? acquired.lease->open_pass->next_page.value_or("first")
                                              : "none");
        });
    }
    void release() {
        const SiteKey site = some_site();
        const std::int64_t epoch = epoch_of(site) - pick(2);
        both([&](Sink& sink) -> std::string {
            sink.site_leases().release({site.site_id, epoch, site.stream},
                                       {std::chrono::milliseconds{0}, pick(1) ? "error" : ""});
            return "";
        });
    }
    void reset() {
        const SiteKey site = some_site();
        const Instant to = some_time();
        both([&](Sink& sink) -> std::string {
            const ResetResult result = sink.site_leases().reset(site, to);
            return std::to_string(result.known) + std::to_string(result.moved);
        });
    }
    void forget() {
        ForgetOrder order;
        (pick(2) ? order.engagement_id : order.visitor_id) = some(pick(2) ? "e" : "v", 6);
        both([&](Sink& sink) -> std::string {
            sink.erasures().forget(order);
            return std::to_string(glia::erase_ordered(sink).engagements);
        });
    }
    void claim(WorkKind kind) {
        const std::string instance_id = some("instance", 2);
        const Seconds ttl{pick(2) * 3600};
        both([&](Sink& sink) -> std::string {
            std::set<std::string> ids;
            for (const WorkJob& job : sink.work_queue().claim({kind, instance_id, 100, ttl}))
                ids.insert(job.engagement_id + "/" + std::to_string(job.attempts));
            std::string text;
            for (const std::string& id : ids) text += id + " ";
            return text;
        });
    }

    Engagement some_engagement(bool with_legs) {
        Engagement e;
        e.id = some("e", 6);
        e.created_at = kNoon - Seconds{(*e.id).back()};
        e.duration = pick(3);
        e.visitor_id = some("v", 6);
        if (with_legs) {
            std::vector<Leg> legs;
            for (int i = pick(3); i >= 0; --i) {
                Leg& leg = legs.emplace_back();
                leg.id = "l" + std::to_string(i);
                leg.duration = pick(2);
                if (pick(2)) leg.ended_at = kNoon;
            }
            e.legs = std::move(legs);
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
        const SiteKey site = some_site();
        Batch batch;
        for (int i = pick(4); i > 0; --i)
            batch.engagements.push_back(some_record(RecordSource::list, site.site_id));
        std::optional<PassCheckpoint> checkpoint;
        if (pick(2)) {
            checkpoint.emplace();
            const std::int64_t epoch = std::max<std::int64_t>(1, epoch_of(site) - (pick(4) == 0 ? 1 : 0));
            if (pick(3)) {
                checkpoint->target = SiteTarget{site.site_id, epoch, site.stream};
            } else {
                checkpoint->target = TierTarget{site.site_id, epoch, {Seconds{60}}, site.stream};
            }
            checkpoint->pass.from = kNoon - std::chrono::hours{9};
            checkpoint->pass.started_at = some_time();
            checkpoint->complete = pick(2) == 0;
            if (!checkpoint->complete) checkpoint->pass.next_page = some("link", 9);
            if (checkpoint->complete && std::holds_alternative<SiteTarget>(checkpoint->target)) {
                checkpoint->watermark = checkpoint->pass.started_at;
                if (pick(2)) checkpoint->release = SiteRelease{std::chrono::milliseconds{0}, ""};
            }
        }
        both([&](Sink& sink) { return counts(sink.commit(batch, checkpoint)); });
    }
    /// The sink commits the batches in one transaction, the model one after the other.
    void commit_together() {
        std::vector<Batch> batches(static_cast<std::size_t>(1 + pick(3)));
        for (Batch& batch : batches) {
            const std::string site = some("s", 2);
            for (int i = pick(5); i > 0; --i)
                batch.engagements.push_back(some_record(RecordSource::list, site));
        }
        std::vector<CheckpointedBatch> commits;
        for (const Batch& batch : batches) commits.push_back({&batch, nullptr});
        const auto join = [](const std::vector<CommitCounts>& all) {
            std::string text;
            for (const CommitCounts& one : all) text += counts(one) + " ";
            return text;
        };
        const std::string of_real =
            result_of(real_, [&](Sink& sink) { return join(sink.commit_together(commits)); });
        const std::string of_model = result_of(model_, [&](Sink& sink) {
            std::vector<CommitCounts> all;
            for (const Batch& batch : batches) all.push_back(sink.commit(batch, std::nullopt));
            return join(all);
        });
        EXPECT_EQ(of_model, of_real);
    }
    void complete_details() {
        Batch batch;
        batch.claimed_by = some("instance", 2);
        for (int i = pick(3); i >= 0; --i) {
            FetchedEngagement fetched = some_record(RecordSource::detail, "");
            WorkOutcome outcome;
            outcome.job.engagement_id = fetched.engagement.id.str();
            const bool twice = std::any_of(
                batch.details.begin(), batch.details.end(),
                [&](const auto& other) { return other.job.engagement_id == outcome.job.engagement_id; });
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
    void content_step() {
        switch (pick(4)) {
            case 0:
                claim(WorkKind::transcript);
                break;
            case 1:
                complete();
                break;
            case 2:
                refuse_listing();
                break;
            default:
                commit_listing();
        }
    }
    void complete() {
        WorkOutcome outcome;
        outcome.job.engagement_id = some("e", 6);
        if (pick(3)) {
            outcome.fetched_at = some_time();
            outcome.messages.emplace(static_cast<std::size_t>(pick(3)));
            for (ChatMessage& message : *outcome.messages) message.message = some("m", 3);
        } else {
            outcome.attempted = pick(2) == 0;
            outcome.error = "e";
            outcome.retry_in = Seconds{pick(2) * 3600};
            outcome.parked = pick(2) == 0;
        }
        const std::string instance_id = some("instance", 2);
        both([&](Sink& sink) {
            const ClaimResult claim = sink.work_queue().complete(WorkKind::transcript, outcome, instance_id);
            return std::to_string(static_cast<int>(claim));
        });
    }
    SiteTarget some_listing() {
        const SiteKey site{some("s", 2), Stream::operators};
        return {site.site_id, std::max<std::int64_t>(1, epoch_of(site) - (pick(4) == 0 ? 1 : 0)),
                site.stream};
    }
    void commit_listing() {
        const SiteTarget lease = some_listing();
        DirectoryListing listing;
        listing.fetched_at = some_time();
        for (int i = pick(4) ? 0 : 1 + pick(2); i > 0; --i)
            listing.rejected.push_back({std::nullopt, some("r", 3), "bad"});
        for (int i = pick(5); i > 0; --i) {
            OperatorEntry& entry = listing.records.operators.emplace_back();
            entry.id = some("o", 5);
            if (pick(6)) entry.name = some("n", 3);
            entry.enabled = pick(2) == 0;
        }
        both([&](Sink& sink) {
            const DirectoryCounts counts = sink.directory().commit_listing(lease, listing);
            return std::to_string(counts.inserted) + "/" + std::to_string(counts.changed) + "/" +
                   std::to_string(counts.unchanged) + "/" + std::to_string(counts.missing) + "/" +
                   std::to_string(counts.returned);
        });
    }
    void refuse_listing() {
        const SiteTarget lease = some_listing();
        both([&](Sink& sink) -> std::string {
            sink.directory().refuse_listing(lease, {"no", Seconds{0}, Seconds{0}, {}});
            return "";
        });
    }
    static std::string counts(const CommitCounts& counts) {
        return std::to_string(counts.inserted) + "/" + std::to_string(counts.changed) + "/" +
               std::to_string(counts.legs) + "/" + std::to_string(counts.queued) + "/" +
               std::to_string(counts.forgotten);
    }

    Sink& real_;
    simulation::ModelDatabase& model_;
    std::mt19937 random_;
    const bool content_;
    std::map<std::pair<Stream, std::string>, std::int64_t> epochs_;
};

}  // namespace glia
