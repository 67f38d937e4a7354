#include "tests/simulation/service.hpp"

#include <algorithm>

namespace simulation {
struct Service::Poll {
    SiteLease lease;
    SitePoll machine;
};

void Service::forget() {
    leased_sites_.clear();
    draining_.clear();
}

void Service::begin_work() {
    for (int i = 0; i < world_.scenario.sites; ++i) {
        begin_task();
        poll("s" + std::to_string(i));
    }
    begin_queues();
    renew();
}

void Service::renew() {
    later(kRenewEvery, [this] {
        const auto ignore = [](const SinkError&) {};
        for (const auto& [site, epoch] : leased_sites_) {
            call_void(
                [site = site, epoch = epoch](Sink& sink) { sink.site_leases().renew({site, epoch}, kLease); },
                [] {}, ignore);
        }
        renew_claims();
        renew();
    });
}

// --------------------------------------------------------------------------------------------- sites

void Service::poll(const std::string& site) {
    if (stopping()) {
        end_task();
        return;
    }
    const auto again = [this, site](Time wait) { sleep(wait, [this, site] { poll(site); }); };
    call<SiteAcquired>(
        [site, instance_id = instance_id()](Sink& sink) {
            return sink.site_leases().acquire({site}, instance_id, kLease, false);
        },
        [this, again](SiteAcquired acquired) {
            if (!acquired.lease) {
                again(std::clamp<Time>(acquired.wait, Seconds{1}, kLease));
                return;
            }
            auto site_poll = std::make_shared<Poll>(Poll{*acquired.lease, SitePoll(*acquired.lease, sync)});
            leased_sites_[acquired.lease->site_id] = acquired.lease->epoch;
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
    const bool is_revisit = !read->pass.is_incremental();
    const Instant from = read->pass.position().from;
    const auto pass = make_pass(std::move(read->pass), site_poll->lease.site_id);
    if (is_revisit) pass->run.collect_ids();
    pass->over = [this, site_poll, is_revisit, from, weak = std::weak_ptr(pass)] {
        const auto self = weak.lock();
        site_poll->machine.on_result(self->run.result());
        if (!is_revisit) return pump(site_poll);
        mark_unlisted(self, from, std::nullopt, [this, site_poll] { pump(site_poll); });
    };
    run_pass(pass);
}

void Service::release(const std::shared_ptr<Poll>& site_poll) {
    const std::string site = site_poll->lease.site_id;
    leased_sites_.erase(site);
    const SiteRelease how = site_poll->machine.release(world_.random.unit());
    Time wait = how.next_poll_in;
    if (site_poll->machine.outcome().reason != ExitReason::done) wait = std::max<Time>(wait, sync.poll_every);
    const auto again = [this, site, wait] { sleep(wait, [this, site] { poll(site); }); };
    if (site_poll->machine.given_back()) return again();
    call_void([site, epoch = site_poll->lease.epoch,
               how](Sink& sink) { sink.site_leases().release({site, epoch}, how); },
              [again] { again(); }, [again](const SinkError&) { again(); });
}

}  // namespace simulation
