#include "sinks/ndjson/ndjson_sink.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>

#include "sinks/content_hash.hpp"
#include "sinks/ndjson/batch_lines.hpp"
#include "sinks/ndjson/sql.hpp"
#include "sinks/ndjson/state.hpp"
#include "sinks/overloaded.hpp"

namespace glia::ndjson {
namespace {

constexpr std::int64_t kMicro = 1'000'000;

void fence(std::int64_t rows_written, const std::string& what) {
    if (rows_written == 0)
        throw SinkError(SinkError::Kind::lease_lost, "the lease on " + what + " has passed on");
}

std::string describe(const WindowTarget& window) {
    return "the backfill window of " + to_iso8601(window.from) + " of site " + window.site_id;
}

Value micros(Instant time) {
    return std::int64_t{time.time_since_epoch().count()};
}
Value error_value(const std::string& error) {
    return error.empty() ? Value() : Value(error);
}

/// One program at a time, whatever happens to it: the lock goes with the process.
class Lock {
  public:
    Lock(const std::string& state, const OnTightened& on_tightened) {
        const std::string path = state + ".lock";
        tighten(path, kStateMode, on_tightened);
        descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kStateMode);
        if (descriptor_ < 0) {
            throw SinkError(SinkError::Kind::misconfigured, "opening " + path + ": " +
                                                                std::generic_category().message(errno) +
                                                                "; is sink.ndjson right?");
        }
        if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            close(descriptor_);
            throw SinkError(SinkError::Kind::unavailable,
                            "another glia-sync writes to " + state + "; let it end first");
        }
    }
    ~Lock() { close(descriptor_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

  private:
    int descriptor_ = -1;
};

/// What writes to one state file, shared by the threads of the program and, while its configuration is
/// changed, by the old one and the new one.
struct Shared {
    explicit Shared(const Settings& settings)
        : lock(settings.state, settings.on_tightened), state(settings.state, true, settings.on_tightened) {
        state.migrate();
        state.transact([&] {
            state.run(sql::free_leases);
            state.run(sql::free_windows);
            state.run(sql::free_details);
        });
        output = std::make_unique<Output>(settings.output, state, settings.on_tightened);
    }
    ~Shared() {
        try {
            output->rotate();  // what is complete is for others to take
        } catch (const SinkError&) {
            // the next program goes on with the file
        }
    }

    std::mutex mutex;
    Lock lock;
    State state;
    std::unique_ptr<Output> output;
};

std::shared_ptr<Shared> share(const Settings& settings) {
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<Shared>> open;
    const std::lock_guard guard(mutex);
    auto& slot = open[settings.state];
    auto shared = slot.lock();
    if (!shared) slot = shared = std::make_shared<Shared>(settings);
    return shared;
}

class NdjsonSink final : public Sink {
  public:
    explicit NdjsonSink(Settings settings) : settings_(std::move(settings)) {}

    int migrate() override {
        require_writable(settings_.output);
        return with_writer([](State& state) { return state.migrate(); });
    }
    void require_schema() override {
        if (!has_state()) {
            migrate();
            return;
        }
        require_writable(settings_.output);
        // By whoever only asks, too, while another program writes.
        read([](State& state) {
            const int latest = static_cast<int>(sql::migrations.size());
            if (state.version() != latest)
                throw SinkError(SinkError::Kind::schema,
                                "the state file is at version " + std::to_string(state.version()) + ", not " +
                                    std::to_string(latest) + "; run `glia-sync migrate`");
        });
    }

    CommitCounts commit(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) override {
        return commit_parts({{&batch, checkpoint ? &*checkpoint : nullptr}}).front();
    }
    std::vector<CommitCounts> commit_together(const std::vector<CommitPart>& parts) override {
        return commit_parts(parts);
    }

    SiteAcquired acquire_site(const std::string& site, const std::string& owner, Seconds ttl,
                              bool force) override {
        return transact([&](State& state) {
            SiteAcquired acquired;
            state.run(sql::add_site, {site});
            const auto rows = state.run(sql::acquire_site, {site, owner, value(ttl), std::int64_t{force}});
            if (rows.empty()) {
                const Row wait = state.run(sql::site_wait, {site}).at(0);
                acquired.owner = wait.text(0).value_or("");
                acquired.wait = Seconds{(wait.integer(1) + kMicro - 1) / kMicro};
                return acquired;
            }
            const Row& row = rows.front();
            SiteLease lease;
            lease.site_id = site;
            lease.epoch = row.integer(0);
            lease.failures = static_cast<int>(row.integer(1));
            lease.synced_through = row.instant(2);
            if (const OptionalInstant from = row.instant(3)) {
                lease.open_pass = OpenPass{*from,       row.instant(4), row.instant(5),
                                           row.text(6), row.integer(7), row.integer(8)};
            }
            for (const Row& tier : state.run(sql::site_tiers, {site})) {
                lease.tiers.push_back({Seconds{tier.integer(0)}, Seconds{tier.integer(1)}});
            }
            acquired.lease = std::move(lease);
            return acquired;
        });
    }
    void renew_site(const std::string& site, std::int64_t epoch, Seconds ttl) override {
        transact([&](State& state) {
            fence(state.write(sql::renew_site, {site, epoch, value(ttl)}), "site " + site);
        });
    }
    void release_site(const std::string& site, std::int64_t epoch, const SiteRelease& release) override {
        transact([&](State& state) {
            const bool freed = state.write(sql::release_site, {site, epoch, value(release.next_poll_in),
                                                               error_value(release.error)}) > 0;
            if (freed && !release.error.empty())
                add_failure(state, release.failed.value_or(FailedPass{"incremental", {}, 0, 0}), site,
                            release.error);
        });
    }

    BackfillState open_backfill(const BackfillSpec& spec) override {
        return transact([&](State& state) {
            BackfillState result;
            const std::string sites = list(spec.sites);
            const auto found =
                state.run(sql::find_backfill, {micros(spec.from), spec.to_is_open ? Value() : micros(spec.to),
                                               std::int64_t{spec.window.count()}, sites});
            if (!found.empty() && resume(state, spec, found.front(), result)) return result;
            result.from = spec.from;
            result.to = spec.to;
            result.id = state
                            .run(sql::add_backfill,
                                 {micros(spec.from), micros(spec.to), std::int64_t{spec.to_is_open},
                                  std::int64_t{spec.window.count()}, sites})
                            .at(0)
                            .integer(0);
            for (const std::string& site : spec.sites) {
                for (Instant from = spec.from; from < spec.to; from += spec.window) {
                    state.run(sql::add_window, {result.id, site, micros(from),
                                                micros(std::min<Instant>(from + spec.window, spec.to))});
                }
            }
            return result;
        });
    }
    std::vector<WindowLease> claim_windows(const WindowClaim& claim) override {
        // Within one call of the command a window is given a second chance, at another moment, and no third.
        static constexpr std::int64_t kAttempts = 2;
        return transact([&](State& state) {
            std::vector<WindowLease> leases;
            for (const Row& row :
                 state.run(sql::claim_windows, {claim.backfill_id, claim.owner, value(claim.ttl),
                                                list(claim.except_sites), kAttempts, claim.limit})) {
                WindowLease& lease = leases.emplace_back();
                lease.target = {claim.backfill_id, *row.text(0), *row.instant(3), row.integer(1)};
                lease.attempts = static_cast<int>(row.integer(2));
                lease.pass = {lease.target.from, row.instant(4), row.instant(5),
                              row.text(6),       row.integer(7), row.integer(8)};
            }
            std::sort(leases.begin(), leases.end(), [](const WindowLease& a, const WindowLease& b) {
                return std::tie(a.target.from, a.target.site_id) < std::tie(b.target.from, b.target.site_id);
            });
            return leases;
        });
    }
    void renew_window(const WindowTarget& window, Seconds ttl) override {
        transact([&](State& state) {
            fence(state.write(sql::renew_window, key(window, {value(ttl)})), describe(window));
        });
    }
    void release_window(const WindowTarget& window, const std::string& error) override {
        transact([&](State& state) {
            const auto freed = state.run(sql::release_window, key(window, {error_value(error)}));
            if (freed.empty() || error.empty()) return;
            const Row& row = freed.front();
            FailedPass failed{"backfill", {}, row.integer(5), row.integer(4)};
            failed.pass = {window.from, row.instant(0), row.instant(1), {}, row.integer(2), row.integer(3)};
            add_failure(state, failed, window.site_id, error);
        });
    }
    BackfillProgress backfill_progress(std::int64_t backfill_id) override {
        return transact([&](State& state) {
            const Row row = state.run(sql::backfill_progress, {backfill_id}).at(0);
            return BackfillProgress{row.integer(0), row.integer(1), row.integer(2),
                                    row.integer(3), row.integer(4), row.text(5).value_or("")};
        });
    }
    void tell_time_left(std::int64_t backfill_id, std::optional<Seconds> left) override {
        transact([&](State& state) {
            state.run(sql::tell_time_left,
                      {backfill_id, left ? Value(std::int64_t{left->count()}) : Value()});
        });
    }
    void finish_backfill(std::int64_t backfill_id) override {
        transact([&](State& state) {
            if (state.write(sql::finish_backfill, {backfill_id}) > 0)
                state.run(sql::add_backfill_run, {backfill_id});
        });
    }

    std::int64_t queue_ongoing(bool all) override {
        return transact([&](State& state) {
            const std::int64_t queued = state.write(sql::queue_due_ongoing, {std::int64_t{all}});
            state.run(sql::postpone_ongoing, {std::int64_t{all}});
            return queued;
        });
    }
    std::vector<DetailJob> claim_details(const DetailClaim& claim) override {
        return transact([&](State& state) {
            std::vector<DetailJob> jobs;
            for (const Row& row :
                 state.run(sql::claim_details, {claim.owner, std::int64_t{claim.limit}, value(claim.ttl)})) {
                jobs.push_back({*row.text(0), static_cast<int>(row.integer(1))});
            }
            return jobs;
        });
    }
    void renew_details(const std::string& owner, const std::vector<std::string>& engagements,
                       Seconds ttl) override {
        transact([&](State& state) {
            state.run(sql::renew_details, {list(engagements), owner, value(ttl)});
        });
    }
    std::int64_t details_due() override {
        return transact([](State& state) { return state.run(sql::details_due).at(0).integer(0); });
    }

    std::optional<std::chrono::microseconds> server_clock(const std::string& machine) override {
        // Asked while the configuration before this one still writes.
        return read([&](State& state) -> std::optional<std::chrono::microseconds> {
            const auto rows = state.run(sql::read_server_clock, {machine});
            if (rows.empty()) return std::nullopt;
            return std::chrono::microseconds{rows.front().integer(0)};
        });
    }
    void save_server_clock(const std::string& machine, std::chrono::microseconds ahead) override {
        transact([&](State& state) { state.run(sql::save_server_clock, {machine, value(ahead)}); });
    }

    // Nobody else can hold anything: see Shared.
    std::vector<std::string> owners() override { return {}; }
    void take_over(const std::string&) override {}
    std::int64_t end_stuck(Seconds) override { return 0; }

    void prune(Seconds keep) override {
        transact([&](State& state) { state.run(sql::prune, {value(keep)}); });
    }
    ResetResult reset_site(const std::string& site, Instant to) override {
        return transact([&](State& state) {
            ResetResult result;
            const auto rows = state.run(sql::site_watermark, {site});
            if (!rows.empty()) result.before = rows.front().instant(0);
            result.known = result.before.has_value();
            result.moved = state.write(sql::reset_site, {site, micros(to)}) > 0;
            return result;
        });
    }

    void forget(const ForgetOrder& order) override {
        transact([&](State& state) {
            if (order.engagement_id) forget_engagement(state, *order.engagement_id);
            for (const OptionalText& visitor : {order.visitor_id, order.stored_visitor_id}) {
                if (!visitor) continue;
                const std::string mark = mark_of(*visitor);
                state.run(sql::add_forgotten, {std::string("visitor"), mark});
                for (const Row& row : state.run(sql::forget_visitor, {mark}))
                    forget_engagement(state, *row.text(0));
                erased_.rejected += state.write(sql::erase_rejected_of_visitor, {*visitor});
            }
        });
    }
    std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) override {
        return read([&](State& state) {
            std::vector<Tombstone> found;
            for (const Row& row :
                 state.run(sql::list_tombstones, {std::string(after ? name_of(after->kind) : ""),
                                                  after ? to_hex(after->digest) : std::string(), limit})) {
                const auto digest = from_bytea("\\x" + row.text(1).value_or(""));
                if (!digest) throw SinkError(SinkError::Kind::internal, "a tombstone's mark is not a digest");
                const auto kind =
                    row.text(0) == "visitor" ? Tombstone::Kind::visitor : Tombstone::Kind::engagement;
                found.push_back({kind, *digest, std::nullopt});
            }
            return found;
        });
    }
    /// Erases what is stored of them in the same transaction.
    std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) override {
        return transact([&](State& state) {
            std::int64_t added = 0;
            for (const Tombstone& tombstone : tombstones) {
                added += state.write(sql::add_forgotten,
                                     {std::string(name_of(tombstone.kind)), to_hex(tombstone.digest)});
            }
            forget_buried(state);
            return added;
        });
    }
    /// forget() has erased everything already; what is left is to say how much.
    std::vector<ErasureOrder> erasure_orders() override {
        return erased_.any() ? std::vector<ErasureOrder>(1) : std::vector<ErasureOrder>{};
    }
    ErasureStep erase_some(const ErasureOrder&) override { return {std::exchange(erased_, {}), true}; }
    Erased erase_older(Instant before, RetentionCursor& cursor) override {
        const Erased erased = transact([&](State& state) {
            Erased some;
            for (const Row& row : state.run(sql::expired_engagements, {micros(before)}))
                some += erase(state, *row.text(0));
            some.rejected += state.write(sql::expire_rejected, {micros(before)});
            return some;
        });
        if (!erased.any()) cursor.stage = RetentionCursor::Stage::finished;
        return erased;
    }
    std::vector<std::string> recordings_to_erase(const std::string&) override { return {}; }
    void recordings_erased(const std::vector<std::string>&) override {}

    std::vector<RejectedRow> rejected(const RejectedQuery& query) override {
        return read([&](State& state) {
            std::string numbers = "[";
            for (const std::int64_t id : query.ids)
                numbers += (numbers.size() > 1 ? "," : "") + std::to_string(id);
            std::vector<RejectedRow> found;
            for (const Row& row :
                 state.run(sql::list_rejected,
                           {numbers + "]", std::int64_t{query.resolved_too},
                            query.site_id.empty() ? Value() : Value(query.site_id), query.limit})) {
                found.push_back({row.integer(0), row.text(1), row.text(2),
                                 row.text(3) == "list" ? RecordSource::list : RecordSource::detail,
                                 row.text(4).value_or(""), row.text(5).value_or(""), *row.instant(6),
                                 *row.instant(7), row.integer(8), row.instant(9)});
            }
            return found;
        });
    }
    void resolve_rejected(std::int64_t id) override {
        transact([&](State& state) { state.run(sql::resolve_one, {id}); });
    }

    StatusReport status() override {
        if (!has_state()) return {};
        return read([](State& state) {
            StatusReport report;
            for (const Row& row : state.run(sql::status_sites)) {
                report.sites.push_back({*row.text(0), row.instant(1), row.real(2), row.instant(3),
                                        row.text(4), row.instant(5), row.instant(6), row.text(7),
                                        row.instant(8), row.integer(9)});
            }
            const Row queue = state.run(sql::status_queue).at(0);
            report.details_waiting = queue.integer(0);
            report.details_parked = queue.integer(1);
            report.rejected = queue.integer(2);
            for (const Row& row : state.run(sql::status_clocks)) {
                report.clocks.push_back({*row.text(0), row.real(1).value_or(0), std::nullopt});
            }
            for (const Row& row : state.run(sql::status_backfills)) {
                report.backfills.push_back({*row.instant(0), *row.instant(1), row.integer(2), row.integer(3),
                                            row.integer(4), row.real(5)});
            }
            report.schema_version = state.version();
            return report;
        });
    }
    History history(std::int64_t runs) override {
        return read([&](State& state) {
            History history;
            for (const Row& row : state.run(sql::history_runs, {runs})) {
                history.runs.push_back({*row.text(0), row.text(1), row.instant(2), *row.instant(3),
                                        row.integer(4), row.integer(5), row.integer(6), row.text(7)});
            }
            for (const Row& row : state.run(sql::history_hours, {std::int64_t{History::kHours}})) {
                auto& hours = history.engagements_by_hour[*row.text(0)];
                const auto ago = static_cast<std::size_t>(row.integer(1));
                if (ago < hours.size()) hours[hours.size() - 1 - ago] = row.integer(2);
            }
            return history;
        });
    }

  private:
    template <typename Work>
    auto with_writer(Work work) -> std::invoke_result_t<Work, State&> {
        if (!shared_) shared_ = share(settings_);
        const std::lock_guard guard(shared_->mutex);
        if (shared_->output->wants_rotation(
                std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now())))
            shared_->output->rotate();
        return work(shared_->state);
    }

    template <typename Work>
    auto transact(Work work) -> std::invoke_result_t<Work, State&> {
        return with_writer([&](State& state) {
            shared_->output->use(settings_.output);
            using Answer = std::invoke_result_t<Work, State&>;
            if constexpr (std::is_void_v<Answer>) {
                state.transact([&] { work(state); });
            } else {
                std::optional<Answer> answer;
                state.transact([&] { answer = work(state); });
                return std::move(*answer);
            }
        });
    }

    bool has_state() const { return access(settings_.state.c_str(), F_OK) == 0 || errno != ENOENT; }

    /// Without the lock: another program may be writing.
    template <typename Work>
    auto read(Work work) -> std::invoke_result_t<Work, State&> {
        State state(settings_.state, false);
        return work(state);
    }

    std::vector<CommitCounts> commit_parts(const std::vector<CommitPart>& parts) {
        return with_writer([&](State& state) {
            shared_->output->use(settings_.output);
            std::vector<CommitCounts> all;
            std::string lines;
            Output& output = *shared_->output;
            const auto work = [&] {
                all.clear();
                lines.clear();
                for (const CommitPart& part : parts) {
                    if (part.checkpoint) write_checkpoint(state, *part.checkpoint);
                    all.push_back(write_batch(state, *part.batch, lost_claims(state, *part.batch), lines));
                }
            };
            try {
                state.transact(work, [&] { output.append(lines); });
            } catch (...) {
                output.take_back();
                throw;
            }
            output.settle();
            return all;
        });
    }

    static Values key(const WindowTarget& window, Values more) {
        Values all{window.backfill_id, window.site_id, micros(window.from), window.epoch};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    static std::string mark_of(const std::string& id) { return to_hex(bytes_hash(id)); }

    static Erased erase(State& state, const std::string& engagement) {
        Erased erased;
        erased.engagements = state.write(sql::erase_engagement, {engagement});
        state.run(sql::erase_detail, {engagement});
        state.run(sql::clear_ongoing, {engagement});
        erased.rejected = state.write(sql::erase_rejected, {engagement});
        return erased;
    }
    void forget_engagement(State& state, const std::string& engagement) {
        state.run(sql::add_forgotten, {std::string("engagement"), mark_of(engagement)});
        erased_ += erase(state, engagement);
    }

    static bool is_buried(State& state, const OptionalText& engagement,
                          const std::vector<std::string>& visitors) {
        const Value mark = engagement ? Value(mark_of(*engagement)) : Value();
        return state.run(sql::is_forgotten, {mark, list(visitors)}).at(0).integer(0) != 0;
    }
    /// Erases whatever has a tombstone. A digest cannot be searched for, so this reads every row, some at a
    /// time.
    void forget_buried(State& state) {
        constexpr std::int64_t kEngagementsPerPage = 1000;
        constexpr std::int64_t kRejectsPerPage = 200;
        for (std::string after;;) {
            const auto rows = state.run(sql::engagements_after, {after, kEngagementsPerPage});
            if (rows.empty()) break;
            for (const Row& row : rows) {
                after = *row.text(0);
                const OptionalText visitor = row.text(1);
                const std::vector<std::string> visitors(visitor ? 1 : 0, visitor.value_or(""));
                if (is_buried(state, after, visitors)) forget_engagement(state, after);
            }
        }
        for (std::int64_t after = 0;;) {
            const auto rows = state.run(sql::rejected_after, {after, kRejectsPerPage});
            if (rows.empty()) break;
            for (const Row& row : rows) {
                after = row.integer(0);
                std::vector<std::string> visitors;
                for (const ContentHash& digest : possible_visitor_digests(row.text(2).value_or("")))
                    visitors.push_back(to_hex(digest));
                if (is_buried(state, row.text(1), visitors))
                    erased_.rejected += state.write(sql::erase_rejected_one, {after});
            }
        }
    }

    static bool resume(State& state, const BackfillSpec& spec, const Row& row, BackfillState& result) {
        const std::int64_t id = row.integer(0);
        const bool finished = row.integer(1) != 0;
        if (spec.restart) {
            if (!finished) {
                state.run(sql::drop_windows, {id});
                state.run(sql::drop_backfill, {id});
            }
            return false;
        }
        if (finished && spec.to_is_open) return false;  // "until now" has moved on since
        result = {id, *row.instant(2), *row.instant(3), !finished, finished};
        if (!finished) state.run(sql::reopen_windows, {id});
        return true;
    }

    static void add_run(State& state, const char* mode, const std::string& site,
                        const PassCheckpoint& checkpoint) {
        const OpenPass& pass = checkpoint.pass;
        state.run(sql::add_run,
                  {std::string(mode), site, micros(pass.from), value(pass.to), value(pass.started_at),
                   pass.pages, pass.engagements, checkpoint.rejected, checkpoint.requests});
    }

    /// The same failure again, of the same site with nothing between, adds no row.
    static void add_failure(State& state, const FailedPass& failed, const std::string& site,
                            const std::string& error) {
        if (state.write(sql::repeat_failure, {failed.mode, site, error}) > 0) return;
        const OpenPass& pass = failed.pass;
        state.run(sql::add_failure,
                  {failed.mode, site, micros(pass.from), value(pass.to), value(pass.started_at), pass.pages,
                   pass.engagements, failed.rejected, failed.requests, error});
    }

    static void write_checkpoint(State& state, const PassCheckpoint& checkpoint) {
        const OpenPass& pass = checkpoint.pass;
        std::visit(
            Overloaded{
                [&](const SiteTarget& target) {
                    if (checkpoint.complete) {
                        const Value next_poll =
                            checkpoint.release ? value(checkpoint.release->next_poll_in) : Value();
                        fence(state.write(sql::site_complete, {target.site_id, target.epoch,
                                                               value(checkpoint.watermark), next_poll}),
                              "site " + target.site_id);
                        add_run(state, "incremental", target.site_id, checkpoint);
                        return;
                    }
                    fence(state.write(
                              sql::site_checkpoint,
                              {target.site_id, target.epoch, micros(pass.from), value(pass.to),
                               value(pass.started_at), value(pass.next_page), pass.pages, pass.engagements}),
                          "site " + target.site_id);
                },
                [&](const TierTarget& target) {
                    fence(state.write(sql::site_fence, {target.site_id, target.epoch}),
                          "site " + target.site_id);
                    if (!checkpoint.complete) return;
                    for (const Seconds back : target.covers)
                        state.run(sql::tier_complete,
                                  {target.site_id, std::int64_t{back.count()}, value(checkpoint.elapsed)});
                    add_run(state, "revisit", target.site_id, checkpoint);
                },
                [&](const WindowTarget& target) {
                    fence(state.write(sql::window_checkpoint,
                                      key(target, {value(pass.started_at), value(pass.next_page), pass.pages,
                                                   pass.engagements, checkpoint.rejected, checkpoint.requests,
                                                   std::int64_t{checkpoint.complete}})),
                          describe(target));
                }},
            checkpoint.target);
    }

    Settings settings_;
    std::shared_ptr<Shared> shared_;
    Erased erased_;
};

}  // namespace

std::unique_ptr<Sink> open(const Settings& settings) {
    return std::make_unique<NdjsonSink>(settings);
}

}  // namespace glia::ndjson
