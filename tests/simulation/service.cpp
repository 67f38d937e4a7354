#include "tests/simulation/service.hpp"

#include <algorithm>

namespace simulation {
namespace {

constexpr Time kRenewEvery = Seconds{10};
constexpr Time kDetailPause = Seconds{40};
constexpr int kWorkers = 3;

}  // namespace

struct Service::Poll {
    SiteLease lease;
    SitePoll machine;
};

struct Service::Drain {
    DetailDrain drain;
    int working = 0;
    bool claiming = false;
    bool finished = false;
};

void Service::forget() {
    held_sites_.clear();
    draining_.reset();
}

void Service::begin_work() {
    for (int i = 0; i < world_.scenario.sites; ++i) {
        begin(1);
        poll("s" + std::to_string(i));
    }
    begin(1);
    sleep(Seconds{1}, [this] { drain_details(); });
    renew();
}

void Service::renew() {
    later(kRenewEvery, [this] {
        const auto ignore = [](const SinkError&) {};
        for (const auto& [site, epoch] : held_sites_) {
            call_void(
                [site = site, epoch = epoch](Sink& sink) {
                    sink.site_leases().renew({site, epoch}, kLease);
                },
                [] {}, ignore);
        }
        if (draining_) {
            call_void([held = draining_->drain.held(),
                       owner = owner()](Sink& sink) { sink.detail_queue().renew(owner, held, kLease); },
                      [] {}, ignore);
        }
        renew();
    });
}

// --------------------------------------------------------------------------------------------- sites

void Service::poll(const std::string& site) {
    if (stopping()) {
        ended();
        return;
    }
    const auto again = [this, site](Time wait) { sleep(wait, [this, site] { poll(site); }); };
    call<SiteAcquired>(
        [site, owner = owner()](Sink& sink) {
            return sink.site_leases().acquire({site}, owner, kLease, false);
        },
        [this, again](SiteAcquired acquired) {
            if (!acquired.lease) {
                again(std::clamp<Time>(acquired.wait, Seconds{1}, kLease));
                return;
            }
            auto site_poll = std::make_shared<Poll>(Poll{*acquired.lease, SitePoll(*acquired.lease, sync)});
            held_sites_[acquired.lease->site_id] = acquired.lease->epoch;
            pump(site_poll);
        },
        [this, again](const SinkError&) { again(sync.poll_every); });
}

void Service::pump(const std::shared_ptr<Poll>& site_poll) {
    auto read = stopping() ? std::nullopt
                           : site_poll->machine.next(server_now(), machine_now(), world_.random.unit());
    if (!read) {
        release(site_poll);
        return;
    }
    const auto pass = make_pass(std::move(read->pass), site_poll->lease.site_id);
    pass->over = [this, site_poll, weak = std::weak_ptr(pass)] {
        site_poll->machine.on_result(weak.lock()->run.result());
        pump(site_poll);
    };
    perform(pass);
}

void Service::release(const std::shared_ptr<Poll>& site_poll) {
    const std::string site = site_poll->lease.site_id;
    held_sites_.erase(site);
    const SiteRelease how = site_poll->machine.release(world_.random.unit());
    Time wait = how.next_poll_in;
    if (site_poll->machine.outcome().ending != Ending::done) wait = std::max<Time>(wait, sync.poll_every);
    const auto again = [this, site, wait] { sleep(wait, [this, site] { poll(site); }); };
    if (site_poll->machine.given_back()) return again();
    call_void(
        [site, epoch = site_poll->lease.epoch, how](Sink& sink) {
            sink.site_leases().release({site, epoch}, how);
        },
        [again] { again(); }, [again](const SinkError&) { again(); });
}

// -------------------------------------------------------------------------------------------- details

void Service::drain_details() {
    if (stopping()) {
        ended();
        return;
    }
    auto drain = std::make_shared<Drain>(Drain{DetailDrain(owner(), sync), 0, false, false});
    draining_ = drain;
    const auto go = [this, drain] {
        drain->working = kWorkers;
        for (int i = 0; i < kWorkers; ++i) work(drain);
    };
    call<std::int64_t>([](Sink& sink) { return sink.detail_queue().enqueue_ongoing(false); },
                       [go](std::int64_t) { go(); }, [go](const SinkError&) { go(); });
}

void Service::work(const std::shared_ptr<Drain>& drain) {
    if (drain->claiming) {
        later(Seconds{1}, [this, drain] { work(drain); });
        return;
    }
    if (drain->drain.wants_claim() && !stopping()) {
        drain->claiming = true;
        call<std::vector<DetailJob>>(
            [owner = owner()](Sink& sink) {
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
    auto job = stopping() ? std::nullopt : drain->drain.take();
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

void Service::finish(const std::shared_ptr<Drain>& drain) {
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
    submit(
        batch, std::nullopt, [over](CommitCounts) { over(); }, [over](const SinkError&) { over(); });
}

}  // namespace simulation
