#include "tests/simulation/directory_reader.hpp"

namespace simulation {

struct DirectoryReader::ReadInProgress {
    ListingSchedule::Read what;
    ListingRead read;
    std::vector<OperatorEntry> served{};  ///< the entries of all pages that the API has served
    bool to_the_end = false;              ///< the last page was served
};

void DirectoryReader::forget() {
    schedule_.reset();
    reading_.reset();
}

void DirectoryReader::begin_work() {
    begin_task();
    std::vector<SiteKey> keys;
    for (int i = 0; i < world_.scenario.directory.sites; ++i)
        keys.push_back({"s" + std::to_string(i), Stream::operators});
    schedule_.emplace(std::move(keys));
    pump();
}

void DirectoryReader::pump() {
    if (stopping()) return end_task();
    const auto next = schedule_->next(steady_now());
    if (const auto* read = std::get_if<ListingSchedule::Read>(&next)) {
        acquire(*read);
    } else {
        sleep(std::get<ListingSchedule::Wait>(next).duration, [this] { pump(); });
    }
}

void DirectoryReader::acquire(const ListingSchedule::Read& what) {
    call<SiteAcquired>(
        [what, instance_id = instance_id()](Sink& sink) {
            return sink.site_leases().acquire(what.key, instance_id, kLease, what.force);
        },
        [this, what](const SiteAcquired& acquired) {
            if (!acquired.lease) return over(what, listing_not_leased(acquired));
            reading_ = std::make_shared<ReadInProgress>(
                ReadInProgress{what, ListingRead(*acquired.lease, directory_.settings)});
            directory_.began[{what.key.site_id, acquired.lease->epoch}] = world_.now();
            renew(reading_);
            step(reading_);
        },
        [this, what](const SinkError& error) { failed(what, error); });
}

void DirectoryReader::step(const ReadPtr& reading) {
    const ListingRead::Step step = reading->read.next();
    const SiteTarget lease = reading->read.lease().target();
    const auto* follow = std::get_if<ListingRead::Follow>(&step);
    if (follow || std::holds_alternative<ListingRead::FetchFirst>(step)) {
        if (!stopping()) return fetch(reading, follow ? follow->link : "");
        reading->read.stop();
        return this->step(reading);
    }
    if (const auto* what = std::get_if<ListingRead::Commit>(&step)) return commit(reading, *what);
    if (const auto* refuse = std::get_if<ListingRead::Refuse>(&step)) {
        give_back(reading, [lease, refusal = refuse->refusal](Sink& sink) {
            sink.directory().refuse_listing(lease, refusal);
        });
    } else {
        give_back(reading, [lease, release = std::get<ListingRead::Release>(step).release](Sink& sink) {
            sink.site_leases().release(lease, release);
        });
    }
}

void DirectoryReader::fetch(const ReadPtr& reading, const std::string& link) {
    ask<FetchedListing>(
        [this, link, site = reading->what.key.site_id](Instant asked, Instant now) {
            return link.empty() ? directory_.operators.list(site, asked, now)
                                : directory_.operators.follow(link, asked, now);
        },
        [this, reading](Result<FetchedListing> response) {
            if (response) {
                FetchedListing& listing = response.value();
                const auto& operators = listing.page.records.operators;
                reading->served.insert(reading->served.end(), operators.begin(), operators.end());
                reading->to_the_end = !listing.page.next_page;
                reading->read.on_page(std::move(listing.page), listing.attempts, listing.fetched_at);
            } else {
                reading->read.on_error(response.error(), server_now());
            }
            step(reading);
        });
}

void DirectoryReader::commit(const ReadPtr& reading, const ListingRead::Commit& what) {
    if (!reading->to_the_end) broken("a listing is committed that was not read to its end");
    if (what.listing->records.operators != reading->served)
        broken("a listing is committed that is not what the API showed");
    call<DirectoryCounts>([lease = reading->read.lease().target(), listing = what.listing](
                              Sink& sink) { return sink.directory().commit_listing(lease, *listing); },
                          [this, reading](const DirectoryCounts&) {
                              for (const OperatorEntry& entry : reading->served)
                                  directory_.shown[*entry.id].insert(*entry.name);
                              over(reading->what, reading->read.result());
                          },
                          [this, reading](const SinkError& error) { failed(reading->what, error); });
}

void DirectoryReader::give_back(const ReadPtr& reading, std::function<void(Sink&)> how) {
    call_void(
        std::move(how), [this, reading] { over(reading->what, reading->read.result()); },
        [this, reading](const SinkError& error) { failed(reading->what, error); });
}

void DirectoryReader::over(const ListingSchedule::Read& what, const ListingResult& result) {
    reading_.reset();
    schedule_->on_result(what, result, steady_now());
    pump();
}

void DirectoryReader::failed(const ListingSchedule::Read& what, const SinkError& error) {
    over(what, listing_not_stored(exit_status_of(error), directory_.settings));
}

void DirectoryReader::renew(const ReadPtr& reading) {
    later(kRenewEvery, [this, reading] {
        if (reading != reading_) return;
        call_void(
            [lease = reading->read.lease().target()](Sink& sink) { sink.site_leases().renew(lease, kLease); },
            [] {}, [](const SinkError&) {});
        renew(reading);
    });
}

}  // namespace simulation
