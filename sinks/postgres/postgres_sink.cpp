#include "sinks/postgres/postgres_sink.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <tuple>

#include "sinks/overloaded.hpp"
#include "sinks/postgres/batch_writer.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/postgres/enrichment.hpp"
#include "sinks/postgres/erasure.hpp"
#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/migrate.hpp"
#include "sinks/postgres/remainder.hpp"
#include "sinks/postgres/rows.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tombstones.hpp"

namespace glia::postgres {
namespace {

void fence(std::int64_t rows_written, const std::string& what, std::size_t leases = 1) {
    if (static_cast<std::size_t>(rows_written) < leases)
        throw SinkError(SinkError::Kind::lease_lost,
                        "the lease on " + what + " has passed to another instance");
}

/// Work is taken on only in a schema that this program knows: a newer one may have come while it ran.
void check_version(const pqxx::result& taken) {
    if (!taken.empty()) refuse_newer(static_cast<int>(integer(taken[0], "schema_version")));
}

std::string describe(const WindowTarget& window) {
    return "the backfill window of " + to_iso8601(window.from) + " of site " + window.site_id;
}

/// Fractions round up: asking a moment too early would find nothing due.
Seconds whole_seconds(double seconds) {
    return Seconds{static_cast<std::int64_t>(std::ceil(seconds))};
}

Param seconds_param(std::chrono::milliseconds time) {
    return std::to_string(std::chrono::duration<double>(time).count());
}

class PostgresSink final : public Sink {
  public:
    explicit PostgresSink(const Settings& settings)
        : connection_(ConnectSettings{settings.dsn, settings.schema, settings.statement_timeout,
                                      settings.on_statement}),
          wishes_(settings.enrich) {}

    int migrate() override { return postgres::migrate(connection_); }
    void require_schema() override { require_latest(connection_); }

    CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) override {
        std::set<std::string> lost;
        try {
            return commit_all(batch, checkpoint);
        } catch (ClaimsLost& claims) {
            lost = std::move(claims.engagements);
        }
        Batch rest = batch;
        const auto is_lost = [&](const std::string& id) { return lost.count(id) > 0; };
        std::erase_if(rest.details, [&](const DetailOutcome& d) { return is_lost(d.engagement_id); });
        std::erase_if(rest.engagements,
                      [&](const FetchedEngagement& e) { return is_lost(e.engagement.id.str()); });
        std::erase_if(rest.rejected, [&](const RejectedFetch& r) {
            return r.record.engagement_id && is_lost(*r.record.engagement_id);
        });
        return commit(rest, checkpoint);
    }

    std::vector<CommitCounts> commit_together(const std::vector<CommitPart>& parts) override {
        std::vector<const Batch*> batches;
        batches.reserve(parts.size());
        for (const CommitPart& part : parts) batches.push_back(part.batch);
        std::vector<CommitCounts> counts;
        connection_.transact([&](Transaction& tx) {
            std::vector<const PassCheckpoint*> windows;
            for (const CommitPart& part : parts) {
                if (!part.checkpoint) continue;
                if (std::holds_alternative<WindowTarget>(part.checkpoint->target)) {
                    windows.push_back(part.checkpoint);
                } else {
                    write_checkpoint(tx, *part.checkpoint);
                }
            }
            if (!windows.empty()) write_windows(tx, windows);
            counts = write_batches(tx, batches, wishes_, looks_);
        });
        return counts;
    }

    CommitCounts commit_all(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) {
        const auto write = [&](bool one_by_one) {
            CommitCounts counts;
            connection_.transact([&](Transaction& tx) {
                // The fence comes first: it locks the row of the lease, so a takeover waits for this commit
                // or stops it.
                if (checkpoint) write_checkpoint(tx, *checkpoint);
                counts = one_by_one ? write_one_by_one(tx, batch, wishes_, looks_)
                                    : write_batch(tx, batch, wishes_, looks_);
            });
            return counts;
        };
        try {
            return write(false);
        } catch (const SinkError& error) {
            // A value that passed every check of ours and is still refused must not cost its whole batch,
            // again and again.
            if (error.kind() != SinkError::Kind::internal || batch.engagements.empty()) throw;
        }
        return write(true);
    }

    SiteAcquired acquire_site(const std::string& site, const std::string& owner, Seconds ttl,
                              bool force) override {
        SiteAcquired acquired;
        connection_.transact([&](Transaction& tx) {
            acquired = {};
            const Params claim{site, owner, param(ttl.count()), param(force)};
            auto rows = tx.run(sql::acquire_site, claim);
            if (rows.empty()) {
                const auto waits = tx.run(sql::site_wait, {site});
                if (!waits.empty()) {
                    acquired.owner = text(waits[0], "owner").value_or("");
                    acquired.wait = whole_seconds(real(waits[0], "wait").value_or(0));
                    return;
                }
                // Not known yet. (Asked first: adding one that somebody is writing would wait for it.)
                tx.run(sql::add_site, {site});
                rows = tx.run(sql::acquire_site, claim);
                if (rows.empty()) return;
            }
            check_version(rows);
            acquired.lease = site_lease(site, rows[0]);
        });
        return acquired;
    }

    void renew_site(const std::string& site, std::int64_t epoch, Seconds ttl) override {
        connection_.transact([&](Transaction& tx) {
            fence(tx.write(sql::renew_site, {site, param(epoch), param(ttl.count())}), "site " + site);
        });
    }

    void release_site(const std::string& site, std::int64_t epoch, const SiteRelease& release) override {
        connection_.transact([&](Transaction& tx) {
            const Param error = release.error.empty() ? std::nullopt : Param{release.error};
            const auto freed =
                tx.run(sql::release_site, {site, param(epoch), seconds_param(release.next_poll_in), error});
            if (freed.empty() || !error) return;
            const FailedPass failed = release.failed.value_or(FailedPass{"incremental", {}, 0, 0});
            const auto run = add_failure(tx, {failed, site, {}, epoch, release.error}, freed[0]);
            if (run) tx.run(sql::site_failed_run, {site, param(*run)});
        });
    }

    BackfillState open_backfill(const BackfillSpec& spec) override {
        BackfillState state;
        connection_.transact([&](Transaction& tx) {
            state = {};
            const Param from = to_text(spec.from);
            const Param window = param(spec.window.count());
            const Param sites = array(spec.sites);
            // Two programs with the same command: one makes the backfill, the other joins it.
            tx.run("LOCK TABLE backfills IN SHARE ROW EXCLUSIVE MODE");
            const auto found =
                tx.run(sql::find_backfill,
                       {from, spec.to_is_open ? std::nullopt : Param{to_text(spec.to)}, window, sites});
            if (!found.empty() && resume(tx, spec, found[0], state)) return;
            state.from = spec.from;
            state.to = spec.to;
            state.id = integer(
                tx.run(sql::add_backfill, {from, to_text(spec.to), param(spec.to_is_open), window, sites})[0],
                "id");
            tx.run(sql::add_windows, {param(state.id)});
        });
        return state;
    }

    std::vector<WindowLease> claim_windows(const WindowClaim& claim) override {
        std::vector<WindowLease> leases;
        connection_.transact([&](Transaction& tx) {
            leases.clear();
            const auto rows =
                tx.run(sql::claim_windows, {param(claim.backfill_id), claim.owner, param(claim.ttl.count()),
                                            array(claim.except_sites), param(claim.limit)});
            check_version(rows);
            for (const auto& row : rows) {
                WindowLease& lease = leases.emplace_back();
                lease.target.backfill_id = claim.backfill_id;
                lease.target.site_id = *text(row, "site_id");
                lease.target.from = *instant(row, "window_from");
                lease.target.epoch = integer(row, "lease_epoch");
                lease.pass.from = lease.target.from;
                lease.pass.to = instant(row, "window_to");
                lease.pass.started_at = instant(row, "pass_started_at");
                lease.pass.next_page = text(row, "pass_next_page");
                lease.pass.pages = integer(row, "pages");
                lease.pass.engagements = integer(row, "engagements");
                lease.attempts = static_cast<int>(integer(row, "attempts"));
            }
        });
        std::sort(leases.begin(), leases.end(), [](const WindowLease& a, const WindowLease& b) {
            return std::tie(a.target.from, a.target.site_id) < std::tie(b.target.from, b.target.site_id);
        });
        return leases;
    }

    void renew_window(const WindowTarget& window, Seconds ttl) override {
        connection_.transact([&](Transaction& tx) {
            Params key = window_key(window);
            key.push_back(param(ttl.count()));
            fence(tx.write(sql::renew_window, key), describe(window));
        });
    }

    void release_window(const WindowTarget& window, const std::string& error) override {
        connection_.transact([&](Transaction& tx) {
            Params key = window_key(window);
            key.push_back(error.empty() ? std::nullopt : Param{error});
            const auto freed = tx.run(sql::release_window, key);
            if (freed.empty() || error.empty()) return;
            const auto& row = freed[0];
            FailedPass failed{"backfill", {}, integer(row, "requests"), integer(row, "rejected")};
            failed.pass = {window.from, instant(row, "window_to"), instant(row, "started_at"),
                           {},          integer(row, "pages"),     integer(row, "engagements")};
            const Param backfill = param(window.backfill_id);
            const auto run =
                add_failure(tx, {failed, window.site_id, window.backfill_id, window.epoch, error},
                            tx.run(sql::hold_backfill, {backfill})[0]);
            if (run) tx.run(sql::backfill_failed_run, {backfill, param(*run)});
        });
    }

    BackfillProgress backfill_progress(std::int64_t backfill_id) override {
        BackfillProgress progress;
        connection_.transact([&](Transaction& tx) {
            const auto row = tx.run(sql::backfill_progress, {param(backfill_id)})[0];
            progress.windows_total = integer(row, "total");
            progress.windows_done = integer(row, "done");
            progress.windows_leased = integer(row, "leased");
            progress.engagements = integer(row, "engagements");
            progress.pages = integer(row, "pages");
            progress.error = text(row, "error").value_or("");
        });
        return progress;
    }

    void tell_time_left(std::int64_t backfill_id, std::optional<Seconds> left) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::tell_time_left, {param(backfill_id), left ? param(left->count()) : std::nullopt});
        });
    }

    void finish_backfill(std::int64_t backfill_id) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::finish_backfill, {param(backfill_id)}); });
    }

    std::int64_t queue_ongoing(bool all) override {
        std::int64_t queued = 0;
        connection_.transact([&](Transaction& tx) { queued = tx.write(sql::queue_ongoing, {param(all)}); });
        return queued;
    }

    std::vector<DetailJob> claim_details(const DetailClaim& claim) override {
        std::vector<DetailJob> jobs;
        connection_.transact([&](Transaction& tx) {
            jobs.clear();
            const auto rows = tx.run(sql::claim_details, {claim.owner, param(std::int64_t{claim.limit}),
                                                          param(claim.ttl.count())});
            check_version(rows);
            for (const auto& row : rows) {
                jobs.push_back({*text(row, "engagement_id"), static_cast<int>(integer(row, "attempts"))});
            }
        });
        return jobs;
    }

    void renew_details(const std::string& owner, const std::vector<std::string>& engagements,
                       Seconds ttl) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::renew_details, {array(engagements), owner, param(ttl.count())});
        });
    }

    std::int64_t details_due() override {
        std::int64_t due = 0;
        connection_.transact(
            [&](Transaction& tx) { due = tx.run(sql::details_due)[0][0].as<std::int64_t>(); });
        return due;
    }

    std::optional<std::chrono::microseconds> server_clock(const std::string& machine) override {
        std::optional<std::chrono::microseconds> ahead;
        connection_.transact([&](Transaction& tx) {
            ahead.reset();
            const auto rows = tx.run(sql::read_server_clock, {machine});
            if (!rows.empty()) ahead = std::chrono::microseconds{integer(rows[0], "ahead")};
        });
        return ahead;
    }

    void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::save_server_clock, {machine, param(std::int64_t{ahead.count()})});
        });
    }

    std::vector<std::string> owners() override {
        std::vector<std::string> names;
        connection_.transact([&](Transaction& tx) {
            names.clear();
            for (const auto& row : tx.run(sql::owners)) {
                if (const OptionalText owner = text(row, "owner")) names.push_back(*owner);
            }
        });
        return names;
    }

    void take_over(const std::string& owner) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::take_over, {owner}); });
    }

    std::int64_t end_stuck(Seconds after) override {
        std::int64_t ended = 0;
        connection_.transact([&](Transaction& tx) {
            ended = integer(tx.run(sql::end_stuck, {param(after.count())})[0], "ended");
        });
        return ended;
    }

    void prune(Seconds keep) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::prune, {param(keep.count())}); });
    }

    ResetResult reset_site(const std::string& site, Instant to) override {
        ResetResult result;
        connection_.transact([&](Transaction& tx) {
            result = {};
            const auto rows = tx.run(sql::site_watermark, {site});
            if (!rows.empty()) result.before = instant(rows[0], "synced_through");
            result.known = result.before.has_value();
            result.moved = tx.write(sql::reset_site, {site, to_text(to)}) > 0;
        });
        return result;
    }

    void forget(const ForgetOrder& order) override { begin_forgetting(connection_, order); }
    std::vector<ErasureOrder> erasure_orders() override { return postgres::erasure_orders(connection_); }
    ErasureStep erase_some(const ErasureOrder& order) override {
        return postgres::erase_some(connection_, order);
    }
    Erased erase_older(Instant before, RetentionCursor& cursor) override {
        return postgres::erase_older(connection_, before, cursor);
    }
    std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) override {
        return list_tombstones(connection_, after, limit);
    }
    std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) override {
        return postgres::add_tombstones(connection_, tombstones);
    }

    std::vector<std::string> recordings_to_erase(const std::string& after) override {
        static constexpr std::int64_t kListedAtOnce = 1000;
        std::vector<std::string> engagements;
        connection_.transact([&](Transaction& tx) {
            engagements.clear();
            for (const auto& row : tx.run(sql::recordings_to_erase, {after, param(kListedAtOnce)})) {
                engagements.push_back(*text(row, "id"));
            }
        });
        return engagements;
    }

    void recordings_erased(const std::vector<std::string>& engagements) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::end_erasures, {"recordings", array(engagements)});
        });
    }

    std::vector<RejectedRow> rejected(const RejectedQuery& query) override {
        std::vector<RejectedRow> found;
        connection_.transact([&](Transaction& tx) {
            found.clear();
            std::vector<Param> ids;
            for (const std::int64_t id : query.ids) ids.push_back(param(id));
            const Param site = query.site_id.empty() ? std::nullopt : Param{query.site_id};
            for (const auto& row : tx.run(
                     sql::list_rejected, {array(ids), param(query.resolved_too), site, param(query.limit)})) {
                RejectedRow one;
                one.id = integer(row, "id");
                one.site_id = text(row, "site_id");
                one.engagement_id = text(row, "engagement_id");
                one.source = text(row, "source") == "list" ? RecordSource::list : RecordSource::detail;
                one.reason = text(row, "reason").value_or("");
                one.payload = text(row, "payload").value_or("");
                one.first_seen_at = instant(row, "first_seen_at").value_or(Instant{});
                one.last_seen_at = instant(row, "last_seen_at").value_or(Instant{});
                one.times_seen = integer(row, "times_seen");
                one.resolved_at = instant(row, "resolved_at");
                found.push_back(std::move(one));
            }
        });
        return found;
    }

    void resolve_rejected(std::int64_t id) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::resolve_one, {param(id)}); });
    }

    std::optional<MissedCursor> queue_enrichments(Enricher enricher,
                                                  const std::optional<MissedCursor>& after) override {
        return postgres::queue_enrichments(connection_, enricher, after);
    }
    void enrichments_queued(Enricher enricher, Seconds ago) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::queued_through, {name_of(enricher), param(ago.count())});
        });
    }
    std::vector<EnrichmentJob> claim_enrichments(const EnrichmentClaim& claim) override {
        return postgres::claim_enrichments(connection_, claim);
    }
    void renew_enrichments(const std::string& owner, Enricher enricher,
                           const std::vector<EnrichmentJob>& jobs, Seconds ttl) override {
        postgres::renew_enrichments(connection_, owner, enricher, jobs, ttl);
    }
    Settled settle_enrichment(const EnrichmentOutcome& outcome, const std::string& owner) override {
        return postgres::settle_enrichment(connection_, outcome, owner);
    }
    bool take_wait_turn(Seconds every) override {
        bool taken = false;
        connection_.transact([&](Transaction& tx) {
            taken = tx.write(sql::take_turn, {"queue_wait", param(every.count())}) > 0;
        });
        return taken;
    }
    void add_wait_sample(const std::string& site, Instant sampled_at, OptionalSeconds seconds) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::add_wait_sample,
                   {site, to_text(sampled_at), seconds ? param(*seconds) : std::nullopt});
        });
    }
    void enricher_fared(const std::string& kind, const std::string& error) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::enricher_fared, {kind, error.empty() ? std::nullopt : Param{error}});
        });
    }

    StatusReport status() override {
        StatusReport report;
        connection_.transact([&](Transaction& tx) { report = read_status(tx); });
        report.schema_version = schema_version(connection_);
        return report;
    }

    History history(std::int64_t runs) override {
        History history;
        connection_.transact([&](Transaction& tx) {
            history = {};
            for (const auto& row : tx.run(sql::history_runs, {param(runs)})) {
                history.runs.push_back({*text(row, "mode"), text(row, "site_id"), instant(row, "started_at"),
                                        *instant(row, "finished_at"), integer(row, "pages"),
                                        integer(row, "engagements"), integer(row, "rejected"),
                                        text(row, "error"), integer(row, "times")});
            }
            const Params hours_and_sites{param(std::int64_t{History::kHours}), array(first_sites(tx))};
            for (const auto& row : tx.run(sql::history_hours, hours_and_sites)) {
                const auto ago = static_cast<std::size_t>(integer(row, "hours_ago"));
                auto& hours = history.engagements_by_hour[*text(row, "site_id")];
                if (ago < hours.size()) hours[hours.size() - 1 - ago] = integer(row, "engagements");
            }
        });
        return history;
    }

  private:
    static Params window_key(const WindowTarget& window) {
        return {param(window.backfill_id), window.site_id, to_text(window.from), param(window.epoch)};
    }

    static SiteLease site_lease(const std::string& site, const pqxx::row& row) {
        SiteLease lease;
        lease.site_id = site;
        lease.epoch = integer(row, "lease_epoch");
        lease.failures = static_cast<int>(integer(row, "failures"));
        lease.synced_through = instant(row, "synced_through");
        if (const OptionalInstant from = instant(row, "pass_from")) {
            lease.open_pass = OpenPass{*from,
                                       instant(row, "pass_to"),
                                       instant(row, "pass_started_at"),
                                       text(row, "pass_next_page"),
                                       integer(row, "pass_pages"),
                                       integer(row, "pass_engagements")};
        }
        std::istringstream tiers(text(row, "tiers").value_or(""));
        for (std::int64_t back = 0, since = 0; tiers >> back >> since;) {
            lease.tiers.push_back({Seconds{back}, Seconds{since}});
        }
        return lease;
    }

    /// A pass or a window that failed.
    struct Failure {
        const FailedPass& failed;
        const std::string& site;
        std::optional<std::int64_t> backfill;
        std::int64_t epoch;
        const std::string& error;
    };
    /// Writes it into sync_runs; returns its id. None: it is the same as the last one, which `row` names, and
    /// is counted there.
    static std::optional<std::int64_t> add_failure(Transaction& tx, const Failure& failure,
                                                   const pqxx::row& row) {
        const OptionalText last = text(row, "failed_run_id");
        const FailedPass& failed = failure.failed;
        if (last && tx.write(sql::repeat_failure, {*last, failed.mode, failure.site, failure.error}) > 0)
            return std::nullopt;
        const OpenPass& pass = failed.pass;
        const auto added =
            tx.run(sql::add_failure,
                   {failed.mode, failure.site, failure.backfill ? param(*failure.backfill) : std::nullopt,
                    to_text(pass.from), param(pass.to), param(pass.started_at), param(pass.pages),
                    param(pass.engagements), param(failed.rejected), param(failed.requests), failure.error,
                    param(failure.epoch)});
        return integer(added[0], "id");
    }

    /// True if the backfill that was found answers the call; false if a new one has to be made.
    static bool resume(Transaction& tx, const BackfillSpec& spec, const pqxx::row& row,
                       BackfillState& state) {
        const std::int64_t id = integer(row, "id");
        const bool finished = truth(row, "finished");
        if (spec.restart) {
            if (!finished) tx.run(sql::drop_backfill, {param(id)});
            return false;
        }
        if (finished && spec.to_is_open) return false;  // "until now" has moved on since
        state.id = id;
        state.from = *instant(row, "window_from");
        state.to = *instant(row, "window_to");
        state.resumed = !finished;
        state.already_complete = finished;
        if (!finished) tx.run(sql::reopen_windows, {param(id)});
        return true;
    }

    static void write_checkpoint(Transaction& tx, const PassCheckpoint& checkpoint) {
        const OpenPass& pass = checkpoint.pass;
        const Param started = param(pass.started_at);
        const auto with_run = [&](Params key) {
            key.insert(key.end(),
                       {to_text(pass.from), param(pass.to), started, param(pass.pages),
                        param(pass.engagements), param(checkpoint.rejected), param(checkpoint.requests)});
            return key;
        };
        std::visit(
            Overloaded{
                [&](const SiteTarget& target) {
                    if (checkpoint.complete) {
                        Params values =
                            with_run({target.site_id, param(target.epoch), param(checkpoint.watermark)});
                        values.push_back(checkpoint.release ? seconds_param(checkpoint.release->next_poll_in)
                                                            : std::nullopt);
                        fence(tx.write(sql::site_complete, values), "site " + target.site_id);
                        return;
                    }
                    fence(tx.write(sql::site_checkpoint,
                                   {target.site_id, param(target.epoch), to_text(pass.from), param(pass.to),
                                    started, pass.next_page, param(pass.pages), param(pass.engagements)}),
                          "site " + target.site_id);
                },
                [&](const TierTarget& target) {
                    fence(tx.write(sql::site_fence, {target.site_id, param(target.epoch)}),
                          "site " + target.site_id);
                    if (!checkpoint.complete) return;
                    std::vector<Param> tiers;
                    for (const Seconds back : target.covers) tiers.push_back(param(back.count()));
                    Params values = with_run({target.site_id, array(tiers)});
                    values.push_back(seconds_param(checkpoint.elapsed));
                    values.push_back(param(target.epoch));
                    tx.run(sql::tier_complete, values);
                },
                [&](const WindowTarget&) { write_windows(tx, {&checkpoint}); }},
            checkpoint.target);
    }

    /// Checkpoints of windows, each another one.
    static void write_windows(Transaction& tx, const std::vector<const PassCheckpoint*>& checkpoints) {
        Rows rows(kWindows, Rows::Encoding::json);
        std::string windows;
        for (const PassCheckpoint* checkpoint : checkpoints) {
            const auto& target = std::get<WindowTarget>(checkpoint->target);
            const OpenPass& pass = checkpoint->pass;
            rows.begin_row();
            rows.number(target.backfill_id);
            rows.text(target.site_id);
            rows.time(target.from);
            rows.number(target.epoch);
            rows.time(pass.started_at);
            rows.text(pass.next_page);
            rows.number(pass.pages);
            rows.number(pass.engagements);
            rows.number(checkpoint->rejected);
            rows.number(checkpoint->requests);
            rows.flag(checkpoint->complete);
            windows += (windows.empty() ? "" : " or ") + describe(target);
        }
        fence(tx.write(sql::window_checkpoints, {std::move(rows).finished()}), windows, checkpoints.size());
    }

    static StatusReport read_status(Transaction& tx) {
        StatusReport report;
        for (const auto& row : tx.run(sql::status_sites)) {
            SiteStatus site;
            site.site_id = *text(row, "site_id");
            site.synced_through = instant(row, "synced_through");
            site.lag_seconds = real(row, "lag");
            site.last_success_at = instant(row, "last_success_at");
            site.last_error = text(row, "last_error");
            site.last_error_at = instant(row, "last_error_at");
            site.next_poll_at = instant(row, "next_poll_at");
            site.lease_owner = text(row, "lease_owner");
            site.lease_expires_at = instant(row, "lease_expires_at");
            site.rejected = integer(row, "rejected");
            report.sites.push_back(std::move(site));
        }
        const auto queue = tx.run(sql::status_queue)[0];
        report.details_waiting = integer(queue, "waiting");
        report.details_parked = integer(queue, "parked");
        report.rejected = integer(queue, "rejected");
        for (const auto& row : tx.run(sql::status_enrichers)) {
            report.enrichers.push_back({*text(row, "kind"), integer(row, "waiting"), integer(row, "failing"),
                                        instant(row, "last_success_at"), text(row, "last_error"),
                                        instant(row, "last_error_at")});
        }
        for (const auto& row : tx.run(sql::status_clocks)) {
            report.clocks.push_back(
                {*text(row, "machine"), real(row, "ahead").value_or(0), instant(row, "found_at")});
        }
        for (const auto& row : tx.run(sql::status_undocumented)) {
            report.undocumented.push_back({*text(row, "path"), *text(row, "kind"),
                                           *instant(row, "first_seen_at"), *instant(row, "last_seen_at"),
                                           integer(row, "times_seen"), truth(row, "is_new")});
        }
        for (const auto& row : tx.run(sql::status_backfills)) {
            report.backfills.push_back({*instant(row, "window_from"), *instant(row, "window_to"),
                                        integer(row, "done"), integer(row, "total"),
                                        integer(row, "engagements"), real(row, "seconds_left")});
        }
        return report;
    }

    Connection connection_;
    EnrichmentWishes wishes_;
    Looks looks_;
};

}  // namespace

std::unique_ptr<Sink> open(const Settings& settings) {
    return std::make_unique<PostgresSink>(settings);
}

}  // namespace glia::postgres
