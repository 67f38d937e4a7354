#include "tests/simulation/instance.hpp"

#include <utility>

#include "daemon/sync/window_ledger.hpp"

namespace simulation {
namespace {

constexpr Seconds kLease{30};
constexpr Time kRenewEvery = Seconds{10};
constexpr Time kDetailPause = Seconds{40};
constexpr int kWorkers = 3;
constexpr std::size_t kBatch = 4;
constexpr int kSinkAttempts = 3;
constexpr int kRequestAttempts = 3;

}  // namespace

/// A pass on its way.
struct Instance::Performance {
    PassRun run;
    Done over;
    bool awaiting = false;
    Instant began{};
};

struct Instance::Visit {
    SiteLease lease;
    SiteVisit visit;
};

struct Instance::WindowWork {
    WindowLease lease;
};

struct Instance::Drain {
    DetailDrain drain;
    int working = 0;
    bool claiming = false;
    bool finished = false;
};

Instance::Instance(World& world, int number, SyncSettings by)
    : sync(std::move(by)), world_(world), number_(number) {}

// ------------------------------------------------------------------------------------------------ time, I/O

void Instance::later(Time delay, Done what) {
    world_.at(world_.now() + delay, [this, life = life_, what = std::move(what)]() mutable {
        if (life != life_ || !running_) return;
        if (world_.now() < paused_until_) {
            later(paused_until_ - world_.now(), std::move(what));
            return;
        }
        what();
    });
}

void Instance::sleep(Time delay, Done what) {
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

void Instance::wake() {
    auto all = std::exchange(sleepers_, {});
    for (auto& [number, what] : all) later(Time{0}, std::move(what));
}

template <typename T>
void Instance::call(std::function<T(Sink&)> work, Answered<T> answered, Failed failed, int attempt) {
    // Once sent, a transaction ends as it likes, whatever becomes of the instance.
    world_.at(world_.now() + world_.latency(), [=, this, life = life_] {
        std::optional<SinkError> error;
        std::optional<T> value;
        const bool gone = life != life_ && world_.random.one_in(2);
        const int luck = static_cast<int>(world_.random.between(0, 999));
        const int unlucky = world_.scenario.lost_answers_per_mille;
        if (gone || world_.database_is_away() || luck < unlucky / 2) {
            error.emplace(SinkError::Kind::unavailable, "the database is away");
        } else {
            world_.database.now = world_.now();
            try {
                value = work(world_.database);
            } catch (const SinkError& refused) {
                error.emplace(refused);
            }
            if (luck < unlucky) error.emplace(SinkError::Kind::unavailable, "the answer was lost");
        }
        if (life != life_) return;
        later(world_.latency(), [=, this] {
            if (!error) {
                answered(*value);
            } else if (error->kind() == SinkError::Kind::unavailable && attempt < kSinkAttempts &&
                       !stopping_) {
                sleep(Seconds{1} * attempt, [=, this] { call(work, answered, failed, attempt + 1); });
            } else {
                failed(*error);
            }
        });
    });
}

template <typename Response>
bool Instance::stamp(Response& response, Instant asked, Instant answered) {
    const SteadyTime sent{asked.time_since_epoch()};
    const Instant date = world_.source.date(answered, ++answers_ % 2 != 0);
    const auto verdict = clock_->observe(sent, SteadyTime{world_.now().time_since_epoch()}, date);
    response.fetched_at = clock_->at(sent);
    response.machine_time = asked + clock_ahead_;
    response.sent_at = sent;
    if constexpr (std::is_same_v<Response, FetchedPage>) response.not_before = clock_->not_after(sent);
    return verdict != ServerClock::Verdict::doubtful;
}

template <typename T>
void Instance::ask(std::function<Result<T>(Instant, Instant)> request, Answered<Result<T>> answered,
                   int attempt, int doubts) {
    if (stopping_) {
        answered(ApiError{ApiError::Kind::cancelled, 0, "stopped"});
        return;
    }
    const Instant asked = world_.now();
    later(world_.latency(), [=, this] {
        const Instant made = world_.now();
        const Result<T> result = request(asked, made);
        later(world_.latency(), [=, this] {
            Result<T> stamped = result;
            if (stamped && !stamp(stamped.value(), asked, made)) {
                if (doubts < kMostDoubts) return ask(request, answered, attempt, doubts + 1);
                stamped = ApiError{ApiError::Kind::unavailable, 0, "the Date headers contradict each other"};
            }
            const bool again = !stamped && stamped.error().kind == ApiError::Kind::unavailable &&
                               !stopping_ && attempt < kRequestAttempts;
            if (again) {
                sleep(Seconds{2} * attempt, [=, this] { ask(request, answered, attempt + 1, doubts); });
            } else {
                answered(stamped);
            }
        });
    });
}

// -------------------------------------------------------------------------------------------- life and death

void Instance::start() {
    const std::string before = owner_;
    ++life_;
    owner_ = "i" + std::to_string(number_) + "." + std::to_string(life_);
    running_ = true;
    stopping_ = false;
    busy_ = 0;
    paused_until_ = Instant{};
    sleepers_.clear();
    held_sites_.clear();
    held_windows_.clear();
    draining_.reset();
    if (world_.scenario.clocks_differ && life_ == 1) {
        // Further off than any Date that jumps: two wrong clocks that agree cannot be told from right ones.
        clock_ahead_ = Seconds{world_.random.between(100'000, 186'400)} * (world_.random.one_in(2) ? 1 : -1);
        if (world_.random.one_in(3)) clock_ahead_ = Seconds{world_.random.between(-30, 30)};
    }
    clock_.emplace(SteadyTime{world_.now().time_since_epoch()}, world_.now() + clock_ahead_);
    world_.tell(owner_, "starts");
    // On the same machine it knows that the one before is dead; elsewhere the leases have to run out.
    const bool knows = !before.empty() && world_.random.one_in(2);
    const auto begin_work = [this] {
        for (int i = 0; i < world_.scenario.sites; ++i) {
            begin(1);
            poll("s" + std::to_string(i));
        }
        begin(1);
        sleep(Seconds{1}, [this] { drain_details(); });
        if (world_.scenario.backfill && number_ == 0) {
            begin(1);
            next_window();
        }
        renew();
    };
    if (!knows) {
        begin_work();
        return;
    }
    call<int>([before](Sink& sink) { return sink.instances().release_leases_of_dead(before), 0; },
              [begin_work](int) { begin_work(); }, [begin_work](const SinkError&) { begin_work(); });
}

void Instance::crash() {
    if (!running_) return;
    world_.tell(owner_, "crashes");
    running_ = false;
    ++life_;
}

void Instance::stop(Done then) {
    if (!running_ || stopping_) return;
    world_.tell(owner_, "is to stop");
    stopping_ = true;
    when_stopped_ = std::move(then);
    wake();
    begin(1);
    later(Time{0}, [this] { ended(); });
}

void Instance::ended() {
    if (--busy_ > 0 || !stopping_) return;
    world_.tell(owner_, "has stopped");
    running_ = false;
    if (when_stopped_) std::exchange(when_stopped_, nullptr)();
}

void Instance::renew() {
    later(kRenewEvery, [this] {
        const auto ignore = [](const SinkError&) {};
        for (const auto& [site, epoch] : held_sites_) {
            call<int>(
                [site = site, epoch = epoch](Sink& sink) {
                    return sink.site_leases().renew({site, epoch}, kLease), 0;
                },
                [](int) {}, ignore);
        }
        for (const auto& [key, target] : held_windows_) {
            call<int>(
                [target = target](Sink& sink) { return sink.backfills().renew_window(target, kLease), 0; },
                [](int) {}, ignore);
        }
        if (draining_) {
            const auto held = draining_->drain.held();
            call<int>([held, owner = owner_](
                          Sink& sink) { return sink.detail_queue().renew(owner, held, kLease), 0; },
                      [](int) {}, ignore);
        }
        renew();
    });
}

// -----------------------------------------------------------------------------------------------------
// passes

void Instance::perform(const std::shared_ptr<Performance>& pass) {
    for (;;) {
        if (stopping_) pass->run.stop();
        const PassRun::Step step = pass->run.next();
        if (const auto* fetch = std::get_if<PassRun::Fetch>(&step)) {
            const Ask what = fetch->ask;
            const std::string site = pass->run.site();
            ask<FetchedPage>(
                [this, what, site](Instant asked, Instant now) {
                    if (const auto* link = std::get_if<AskLink>(&what))
                        return world_.source.follow(link->link, asked, now);
                    return world_.source.list(site, std::get<AskFirst>(what), asked, now);
                },
                [this, pass](Result<FetchedPage> page) {
                    if (page) {
                        pass->run.on_page(std::move(page.value()));
                    } else {
                        pass->run.on_error(page.error());
                    }
                    perform(pass);
                });
            return;
        }
        if (const auto* commit = std::get_if<PassRun::Commit>(&step)) {
            PassRun::Commit what = *commit;
            what.checkpoint.elapsed =
                std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - pass->began);
            const auto go_on = [this, pass] {
                if (std::exchange(pass->awaiting, false)) perform(pass);
            };
            call<CommitCounts>([what](Sink& sink) { return sink.commit(*what.batch, what.checkpoint); },
                               [pass, go_on](CommitCounts counts) {
                                   pass->run.on_committed(counts);
                                   go_on();
                               },
                               [this, pass, go_on](const SinkError& error) {
                                   pass->run.on_commit_failed(
                                       {stopping_ ? Ending::stopped : ending_of(error), error.what()});
                                   go_on();
                               });
            continue;
        }
        if (std::holds_alternative<PassRun::Await>(step)) {
            pass->awaiting = true;
            return;
        }
        pass->over();
        return;
    }
}

void Instance::poll(const std::string& site) {
    if (stopping_) {
        ended();
        return;
    }
    const auto again = [this, site](Time wait) { sleep(wait, [this, site] { poll(site); }); };
    call<SiteAcquired>(
        [site, owner = owner_](Sink& sink) {
            return sink.site_leases().acquire({site}, owner, kLease, false);
        },
        [this, again](SiteAcquired acquired) {
            if (!acquired.lease) {
                again(std::clamp<Time>(acquired.wait, Seconds{1}, kLease));
                return;
            }
            auto visit = std::make_shared<Visit>(Visit{*acquired.lease, SiteVisit(*acquired.lease, sync)});
            held_sites_[acquired.lease->site_id] = acquired.lease->epoch;
            pump(visit);
        },
        [this, again](const SinkError&) { again(sync.poll_every); });
}

void Instance::pump(const std::shared_ptr<Visit>& visit) {
    auto read = stopping_
                    ? std::nullopt
                    : visit->visit.next(server_now(), world_.now() + clock_ahead_, world_.random.unit());
    if (!read) {
        release(visit);
        return;
    }
    auto pass = std::make_shared<Performance>(Performance{
        PassRun(std::move(read->pass), visit->lease.site_id, sync, kBatch), nullptr, false, world_.now()});
    pass->over = [this, visit, weak = std::weak_ptr<Performance>(pass)] {
        visit->visit.on_result(weak.lock()->run.result());
        pump(visit);
    };
    perform(pass);
}

void Instance::release(const std::shared_ptr<Visit>& visit) {
    const std::string site = visit->lease.site_id;
    held_sites_.erase(site);
    const SiteRelease how = visit->visit.release(world_.random.unit());
    Time wait = how.next_poll_in;
    if (visit->visit.outcome().ending != Ending::done) wait = std::max<Time>(wait, sync.poll_every);
    const auto again = [this, site, wait] { sleep(wait, [this, site] { poll(site); }); };
    if (visit->visit.given_back()) return again();
    call<int>(
        [site, epoch = visit->lease.epoch, how](Sink& sink) {
            return sink.site_leases().release({site, epoch}, how), 0;
        },
        [again](int) { again(); }, [again](const SinkError&) { again(); });
}

// ---------------------------------------------------------------------------------------------------
// backfill

void Instance::next_window() {
    if (stopping_) {
        ended();
        return;
    }
    call<std::vector<WindowLease>>(
        [owner = owner_](Sink& sink) {
            return sink.backfills().claim_windows({1, owner, kLease, {}, 1});
        },
        [this](const std::vector<WindowLease>& leases) {
            if (leases.empty()) {
                sleep(Seconds{20}, [this] {
                    const BackfillProgress progress = world_.database.progress(1);
                    progress.windows_done == progress.windows_total ? ended() : next_window();
                });
                return;
            }
            pump_window(std::make_shared<WindowWork>(WindowWork{leases.front()}));
        },
        [this](const SinkError&) { sleep(Seconds{20}, [this] { next_window(); }); });
}

void Instance::pump_window(const std::shared_ptr<WindowWork>& work) {
    const WindowTarget target = work->lease.target;
    const std::pair key{target.site_id, target.from};
    held_windows_[key] = target;
    auto pass = std::make_shared<Performance>(Performance{
        PassRun(Pass(target, work->lease.pass), target.site_id, sync, kBatch), nullptr, false, world_.now()});
    pass->over = [this, target, key, lease = work->lease, weak = std::weak_ptr<Performance>(pass)] {
        held_windows_.erase(key);
        const PassResult result = weak.lock()->run.result();
        if (result.complete) {
            next_window();
            return;
        }
        const std::string error = WindowLedger().on_window(lease, result);
        const auto again = [this] { sleep(Seconds{5}, [this] { next_window(); }); };
        call<int>([target, error](Sink& sink) { return sink.backfills().release_window(target, error), 0; },
                  [again](int) { again(); }, [again](const SinkError&) { again(); });
    };
    perform(pass);
}

// ----------------------------------------------------------------------------------------------------
// details

void Instance::drain_details() {
    if (stopping_) {
        ended();
        return;
    }
    auto drain = std::make_shared<Drain>(Drain{DetailDrain(owner_, sync), 0, false, false});
    draining_ = drain;
    const auto go = [this, drain] {
        drain->working = kWorkers;
        for (int i = 0; i < kWorkers; ++i) work(drain);
    };
    call<std::int64_t>([](Sink& sink) { return sink.detail_queue().enqueue_ongoing(false); },
                       [go](std::int64_t) { go(); }, [go](const SinkError&) { go(); });
}

void Instance::work(const std::shared_ptr<Drain>& drain) {
    if (drain->claiming) {
        later(Seconds{1}, [this, drain] { work(drain); });
        return;
    }
    if (drain->drain.wants_claim() && !stopping_) {
        drain->claiming = true;
        call<std::vector<DetailJob>>(
            [owner = owner_](Sink& sink) {
                return sink.detail_queue().claim({owner, 8, kLease});
            },
            [this, drain](std::vector<DetailJob> jobs) {
                drain->claiming = false;
                drain->drain.on_claimed(std::move(jobs));
                work(drain);
            },
            [this, drain](const SinkError& error) {
                drain->claiming = false;
                drain->drain.give_up({ending_of(error), error.what()});
                work(drain);
            });
        return;
    }
    auto job = stopping_ ? std::nullopt : drain->drain.take();
    if (!job) {
        if (--drain->working == 0) finish(drain);
        return;
    }
    ask<FetchedDetail>([this, id = job->engagement_id](
                           Instant asked, Instant now) { return world_.source.get(id, asked, now); },
                       [this, drain, job = *job](Result<FetchedDetail> detail) {
                           if (detail) {
                               drain->drain.on_detail(job, std::move(detail.value()));
                           } else {
                               drain->drain.on_error(job, detail.error());
                           }
                           work(drain);
                       });
}

void Instance::finish(const std::shared_ptr<Drain>& drain) {
    drain->drain.hand_back();
    const auto batch = drain->drain.flush();
    const auto over = [this] {
        draining_.reset();
        sleep(kDetailPause, [this] { drain_details(); });
    };
    if (!batch) {
        over();
        return;
    }
    call<CommitCounts>([batch](Sink& sink) { return sink.commit(*batch, std::nullopt); },
                       [over](CommitCounts) { over(); }, [over](const SinkError&) { over(); });
}

}  // namespace simulation
