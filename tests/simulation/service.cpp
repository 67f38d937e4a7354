#include "tests/simulation/service.hpp"

#include <algorithm>

namespace simulation {
namespace {

constexpr Time kRenewEvery = Seconds{10};
constexpr Time kDetailPause = Seconds{40};
constexpr int kWorkers = 3;
constexpr int kInFlight = 1;
// Few, so that claims are often taken and handed back.
constexpr int kMostClaimed = 8;

}  // namespace

struct Service::Poll {
    SiteLease lease;
    SitePoll machine;
};

struct Service::Drain {
    WorkDrain drain;
    int working = 0;
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
            call_void([held = draining_->drain.held(), owner = owner()](
                          Sink& sink) { sink.work_queue().renew(WorkKind::detail, owner, held, kLease); },
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
    auto drain =
        std::make_shared<Drain>(Drain{WorkDrain(WorkKind::detail, owner(), sync, kInFlight, true), kWorkers});
    draining_ = drain;
    for (int i = 0; i < kWorkers; ++i) work(drain);
}

void Service::work(const std::shared_ptr<Drain>& drain) {
    if (stopping()) drain->drain.stop();
    const WorkDrain::Step step =
        drain->drain.next(std::chrono::duration_cast<Milliseconds>(world_.now().time_since_epoch()));
    const auto go_on = [this, drain] { work(drain); };
    const auto fail = [this, drain](const SinkError& error) {
        drain->drain.give_up({ending_of(error), error.what()});
        work(drain);
    };
    if (const auto* wanted = std::get_if<WorkDrain::Claim>(&step)) {
        call<std::vector<WorkJob>>(
            [owner = owner(), wanted = *wanted](Sink& sink) {
                if (wanted.enqueue_ongoing) sink.work_queue().enqueue_ongoing(false);
                return sink.work_queue().claim(
                    {WorkKind::detail, owner, std::min(wanted.limit, kMostClaimed), kLease});
            },
            [drain, go_on](std::vector<WorkJob> jobs) {
                drain->drain.on_claimed(std::move(jobs));
                go_on();
            },
            fail);
    } else if (const auto* next = std::get_if<WorkDrain::Fetch>(&step)) {
        ask<FetchedDetail>([this, id = next->job.engagement_id](
                               Instant asked, Instant now) { return world_.source.get(id, asked, now); },
                           [drain, go_on, job = next->job](Result<FetchedDetail> detail) {
                               WorkResponse response =
                                   detail ? WorkResponse(std::move(detail.value())) : detail.error();
                               drain->drain.on_response(job, std::move(response));
                               go_on();
                           });
    } else if (const auto* written = std::get_if<WorkDrain::Write>(&step)) {
        submit(
            written->batch, std::nullopt, [go_on](CommitCounts) { go_on(); }, fail);
    } else if (const auto* wait = std::get_if<WorkDrain::Wait>(&step)) {
        later(wait->at_most, go_on);
    } else if (--drain->working == 0) {
        finish(drain);
    }
}

void Service::finish(const std::shared_ptr<Drain>& drain) {
    const auto batch = drain->drain.hand_back();
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
