#include "tests/simulation/process.hpp"

#include <algorithm>

namespace simulation {
namespace {

// Small, so that a history with few engagements reaches the bounds.
constexpr std::size_t kBatch = 4;
constexpr CommitLimits kCommitLimits{2, 6, 12, Milliseconds{10}};

bool shares_a_transaction(const Batch& batch, const std::optional<PassCheckpoint>& checkpoint) {
    return checkpoint && std::holds_alternative<WindowTarget>(checkpoint->target) && batch.rejected.empty();
}

}  // namespace

Process::Process(World& world, int number, SyncSettings settings)
    : sync(std::move(settings)), world_(world), number_(number) {}

// ------------------------------------------------------------------------------------------------ time, I/O

void Process::later(Time delay, Done what) {
    world_.at(world_.now() + delay, [this, life = life_, what = std::move(what)]() mutable {
        if (life != life_ || !running_) return;
        if (world_.now() < paused_until_) {
            later(paused_until_ - world_.now(), std::move(what));
            return;
        }
        what();
    });
}

void Process::sleep(Time delay, Done what) {
    if (stopping_) {
        later(Time{0}, std::move(what));
        return;
    }
    const long number = ++sleeper_count_;
    sleepers_[number] = std::move(what);
    later(delay, [this, number] {
        const auto sleeper = sleepers_.find(number);
        if (sleeper == sleepers_.end()) return;
        const Done go_on = std::move(sleeper->second);
        sleepers_.erase(sleeper);
        go_on();
    });
}

void Process::wake() {
    auto all = std::exchange(sleepers_, {});
    for (auto& [number, what] : all) later(Time{0}, std::move(what));
}

Milliseconds Process::steady_now() const {
    return std::chrono::duration_cast<Milliseconds>(world_.now().time_since_epoch());
}

void Process::call_void(std::function<void(Sink&)> work, Done on_result, Failed failed) {
    call<int>([work = std::move(work)](Sink& sink) { return work(sink), 0; },
              [on_result = std::move(on_result)](int) { on_result(); }, std::move(failed));
}

// -------------------------------------------------------------------------------------------- life and death

void Process::start() {
    const std::string before = instance_id_;
    ++life_;
    instance_id_ = "i" + std::to_string(number_) + "." + std::to_string(life_);
    running_ = true;
    stopping_ = false;
    sink_was_away_ = false;
    enrichers_ = enrichers;
    running_tasks_ = 0;
    paused_until_ = Instant{};
    sleepers_.clear();
    commits_.emplace(kCommitLimits);
    pending_.clear();
    being_written_.clear();
    write_is_scheduled_ = false;
    wait_for_room_.clear();
    presence_ = {};
    forget();
    if (world_.scenario.clocks_differ && life_ == 1) {
        // A larger offset than any wrong Date has: two wrong clocks that agree cannot be distinguished from
        // correct ones.
        clock_ahead_ = Seconds{world_.random.between(100'000, 186'400)} * (world_.random.one_in(2) ? 1 : -1);
        if (world_.random.one_in(3)) clock_ahead_ = Seconds{world_.random.between(-30, 30)};
    }
    clock_.emplace(SteadyTime{world_.now().time_since_epoch()}, world_.now() + clock_ahead_);
    world_.log(instance_id_, "starts");
    // On the same machine, the process knows that its predecessor is dead. On another one, the leases have to
    // expire.
    const bool knows = !before.empty() && world_.random.one_in(2);
    if (!knows) {
        begin_work();
        return;
    }
    call_void([before](Sink& sink) { sink.instances().release_leases_of_dead(before); },
              [this] { begin_work(); }, [this](const SinkError&) { begin_work(); });
}

void Process::crash() {
    if (!running_) return;
    world_.log(instance_id_, "crashes");
    world_.files_may_be_left = true;
    running_ = false;
    ++life_;
}

void Process::stop(Done then) {
    if (!running_ || stopping_) return;
    world_.log(instance_id_, "is stopped");
    stopping_ = true;
    when_stopped_ = std::move(then);
    wake();
    begin_task();
    later(Time{0}, [this] {
        on_stop();
        end_task();
    });
}

void Process::end_task() {
    if (--running_tasks_ > 0 || !stopping_) return;
    if (!pending_.empty()) broken("it stops although a commit is not completed");
    world_.log(instance_id_, "has stopped");
    running_ = false;
    if (when_stopped_) std::exchange(when_stopped_, nullptr)();
}

// ----------------------------------------------------------------------------------------------- commits

void Process::submit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint,
                     OnResult<CommitCounts> on_result, Failed failed) {
    const CommitQueue::Ticket ticket = commits_->add(batch, checkpoint);
    pending_.emplace(ticket,
                     std::make_shared<PendingCommit>(PendingCommit{std::move(batch), std::move(checkpoint),
                                                                   std::move(on_result), std::move(failed)}));
    write_commits();
}

void Process::write_commits() {
    for (;;) {
        const CommitQueue::Step step = commits_->next(steady_now());
        if (const auto* what = std::get_if<CommitQueue::Write>(&step)) {
            write(*what);
            continue;
        }
        const auto& until = std::get<CommitQueue::Wait>(step).until;
        if (until && !std::exchange(write_is_scheduled_, true)) {
            later(*until - steady_now(), [this] {
                write_is_scheduled_ = false;
                write_commits();
            });
        }
        return;
    }
}

void Process::write(const CommitQueue::Write& what) {
    Group group;
    for (const CommitQueue::Ticket ticket : what.commits) group.push_back(pending_.at(ticket));
    check_group(what, group);
    const bool refused = world_.scenario.groups_are_refused && world_.random.one_in(3);
    const auto commit = [group, refused](Sink& sink) -> std::vector<CommitCounts> {
        if (group.size() == 1) return {sink.commit(*group[0]->batch, group[0]->checkpoint)};
        if (refused) throw SinkError(SinkError::Kind::internal, "these are not written together");
        std::vector<CheckpointedBatch> commits;
        for (const auto& each : group) commits.push_back({each->batch.get(), &*each->checkpoint});
        return sink.commit_together(commits);
    };
    call<std::vector<CommitCounts>>(
        commit,
        [this, what, group](const std::vector<CommitCounts>& counts) { complete(what, group, counts, {}); },
        [this, what, group](const SinkError& error) { complete(what, group, {}, error); });
}

void Process::complete(const CommitQueue::Write& what, const Group& group,
                       const std::vector<CommitCounts>& counts, const std::optional<SinkError>& failure) {
    bool completed = true;
    if (failure) {
        completed = commits_->on_failed(what.group, failure->kind());
    } else {
        commits_->on_written(what.group);
    }
    being_written_.erase(what.group);
    if (completed) {
        for (const CommitQueue::Ticket ticket : what.commits) pending_.erase(ticket);
        for (std::size_t i = 0; i < group.size(); ++i)
            failure ? group[i]->failed(*failure) : group[i]->on_result(counts[i]);
    }
    for (Done& waiter : std::exchange(wait_for_room_, {})) later(Time{0}, std::move(waiter));
    write_commits();
}

/// Checks the guarantees of CommitQueue for its groups.
void Process::check_group(const CommitQueue::Write& what, const Group& group) {
    const bool share = std::all_of(group.begin(), group.end(), [](const auto& pending) {
        return shares_a_transaction(*pending->batch, pending->checkpoint);
    });
    if (!share) {
        if (group.size() > 1) broken("a commit that needs its own transaction shares one");
        return;
    }
    std::set<std::string> ids;
    std::size_t engagements = 0;
    for (const auto& pending : group) {
        engagements += pending->batch->engagements.size();
        for (const auto& fetched : pending->batch->engagements) ids.insert(fetched.engagement.id.str());
    }
    if (group.size() > 1 && engagements > kCommitLimits.together) broken("a transaction is too large");
    for (const auto& [other, others] : being_written_) {
        for (const std::string& id : ids) {
            if (others.contains(id)) broken("two transactions write " + id + " at once");
        }
    }
    being_written_[what.group] = std::move(ids);
    if (being_written_.size() > static_cast<std::size_t>(kCommitLimits.at_once))
        broken("too many transactions at once");
}

// ------------------------------------------------------------------------------------------------ passes

std::shared_ptr<Process::PassInProgress> Process::make_pass(Pass pass, const std::string& site) {
    return std::make_shared<PassInProgress>(PassInProgress{
        PassPipeline(std::move(pass), site, sync, kBatch), nullptr, nullptr, false, world_.now(), {}});
}

void Process::run_pass(const std::shared_ptr<PassInProgress>& pass) {
    for (;;) {
        if (stopping_) pass->run.stop();
        const PassPipeline::Step step = pass->run.next();
        if (pass->run.over() && pass->fetched) std::exchange(pass->fetched, nullptr)();
        if (const auto* what = std::get_if<PassPipeline::Fetch>(&step)) return fetch(pass, what->ask);
        if (const auto* what = std::get_if<PassPipeline::Commit>(&step)) {
            commit(pass, *what);
            continue;
        }
        if (std::holds_alternative<PassPipeline::Await>(step)) {
            pass->awaiting = true;
        } else {
            pass->over();
        }
        return;
    }
}

void Process::fetch(const std::shared_ptr<PassInProgress>& pass, const PageRequest& what) {
    if (!commits_->has_room()) {
        wait_for_room_.push_back([this, pass, what] { fetch(pass, what); });
        return;
    }
    ask<FetchedPage>(
        [this, what, site = pass->run.site()](Instant asked, Instant now) {
            if (const auto* link = std::get_if<LinkedPageRequest>(&what))
                return world_.source.follow(link->link, asked, now);
            return world_.source.list(site, std::get<FirstPageRequest>(what), asked, now);
        },
        [this, pass, first = std::holds_alternative<FirstPageRequest>(what)](Result<FetchedPage> page) {
            if (page) {
                // When the range is read again, a record of the first read may be absent.
                if (first) pass->shown.clear();
                for (const Engagement& engagement : page.value().page.engagements)
                    pass->shown.insert(engagement.id.str());
                for (const RejectedRecord& rejected : page.value().page.rejected)
                    pass->shown.insert(rejected.engagement_id.value_or(""));
                pass->run.on_page(std::move(page.value()));
            } else {
                pass->run.on_error(page.error());
            }
            run_pass(pass);
        });
}

void Process::commit(const std::shared_ptr<PassInProgress>& pass, PassPipeline::Commit what) {
    what.checkpoint.elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - pass->began);
    const auto go_on = [this, pass] {
        if (std::exchange(pass->awaiting, false)) run_pass(pass);
    };
    submit(
        what.batch, what.checkpoint,
        [pass, go_on](CommitCounts counts) {
            pass->run.on_committed(counts);
            go_on();
        },
        [this, pass, go_on](const SinkError& error) {
            pass->run.on_commit_failed(exit_status_of(error));
            go_on();
        });
}

}  // namespace simulation
