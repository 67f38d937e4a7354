#include "tests/simulation/verifier.hpp"

#include <utility>

namespace simulation {

struct Verifier::Listing {
    Verification::List what;
    PassPipeline pass;
    bool awaiting = false;
};

void Verifier::verify(VerificationSpec spec, std::function<void(const Verification&)> over) {
    if (machine_) return;
    wanted_ = std::move(spec);
    over_ = std::move(over);
    if (running()) later(Time{0}, [this] { begin_verification(); });
}

void Verifier::forget() {
    machine_.reset();
    wakes_at_.reset();
    is_pumping_ = false;
}

void Verifier::begin_work() {
    begin_verification();
}

void Verifier::begin_verification() {
    if (stopping() || machine_ || !wanted_) return;
    begin_task();
    machine_.emplace(*wanted_);
    listed_.clear();
    shown_.clear();
    source_denied_.clear();
    stored_.clear();
    pump();
}

void Verifier::pump() {
    if (!machine_ || std::exchange(is_pumping_, true)) return;
    for (;;) {
        if (stopping()) machine_->stop();
        const Verification::Step step = machine_->next(steady_now());
        if (std::holds_alternative<Verification::End>(step)) {
            is_pumping_ = false;
            return end();
        }
        if (const auto* wait = std::get_if<Verification::Wait>(&step)) {
            if (wait->until) wake_at(*wait->until);
            break;
        }
        perform_step(step);
    }
    is_pumping_ = false;
}

void Verifier::wake_at(Milliseconds when) {
    if (wakes_at_ && *wakes_at_ <= when) return;
    wakes_at_ = when;
    later(std::max<Time>(when - steady_now(), Time{0}), [this, when] {
        if (wakes_at_ == when) wakes_at_.reset();
        pump();
    });
}

void Verifier::notify(const std::function<void(Verification&)>& event) {
    if (!machine_) return broken("the verification ended although something is under way");
    event(*machine_);
    pump();
}

void Verifier::end() {
    const Verification done = *std::exchange(machine_, std::nullopt);
    check_gone(done);
    if (!stopping()) {
        wanted_.reset();
        if (over_) std::exchange(over_, nullptr)(done);
    }
    end_task();
}

template <typename T>
void Verifier::on_sink(const Verification::Step& step, std::function<T(Sink&)> work, OnResult<T> on_result) {
    call<T>(std::move(work), std::move(on_result), [this, step](const SinkError& error) {
        notify([&](Verification& machine) { machine.on_failed(step, exit_status_of(error)); });
    });
}

void Verifier::perform_step(const Verification::Step& step) {
    using Found = std::vector<RecordComparison>;
    if (const auto* wanted = std::get_if<Verification::List>(&step)) {
        // Scheduled, not called within pump(): a listing that is stopped ends at once, which would re-enter
        // the machine.
        later(Time{0}, [this, what = *wanted] { list(what); });
    } else if (const auto* one = std::get_if<Verification::Get>(&step)) {
        later(Time{0}, [this, what = one->what] { get(what); });
    } else if (const auto* day = std::get_if<Verification::Scan>(&step)) {
        scan(*day, std::nullopt);
    } else if (const auto* compared = std::get_if<Verification::Compare>(&step)) {
        on_sink<Found>(
            step,
            [batch = compared->batch](Sink& sink) {
                return sink.verifications()->compare(batch->engagements);
            },
            [this, batch = compared->batch](const Found& found) {
                notify([&](Verification& machine) { machine.on_compared(*batch, found, steady_now()); });
            });
    } else if (const auto* load = std::get_if<Verification::Load>(&step)) {
        on_sink<Found>(
            step,
            [batch = load->batch](Sink& sink) {
                sink.verifications()->distrust(batch->engagements);
                sink.commit(*batch, std::nullopt);
                return sink.verifications()->compare(batch->engagements);
            },
            [this, batch = load->batch](const Found& found) {
                notify([&](Verification& machine) { machine.on_loaded(*batch, found); });
            });
    } else if (const auto* mark = std::get_if<Verification::Mark>(&step)) {
        check_mark(*mark);
        using Marked = std::vector<std::string>;
        on_sink<Marked>(
            step, [gone = mark->engagements](Sink& sink) { return sink.verifications()->mark_missing(gone); },
            [this, number = mark->day](const Marked& marked) {
                notify([&](Verification& machine) { machine.on_marked(number, marked); });
            });
    } else {
        const VerifiedDay found = std::get<Verification::Record>(step).day;
        check_record(found);
        on_sink<int>(
            step, [found](Sink& sink) { return sink.verifications()->record(found), 0; },
            [this](int) { notify([](Verification& machine) { machine.on_recorded(); }); });
    }
}

/// Checks that no engagement is reported as gone if the listing of its day showed it.
void Verifier::check_gone(const Verification& done) {
    for (const Difference& found : done.differences()) {
        const Item* item = world_.source.find(found.engagement_id);
        if (found.kind != DifferenceKind::gone || !item) continue;
        const Instant day =
            std::max<Instant>(std::chrono::floor<std::chrono::days>(item->requested_at), done.spec().from);
        if (shown_.contains({day, {found.engagement_id, found.site_id}}))
            broken(found.engagement_id + " is reported as gone, but was listed");
    }
}

/// Checks that the source denied each marked engagement, and that the number marked on a day is plausible.
void Verifier::check_mark(const Verification::Mark& mark) {
    std::set<std::string> ids;
    for (const GoneEngagement& gone : mark.engagements) {
        ids.insert(gone.engagement_id);
        if (!source_denied_.contains(gone.engagement_id))
            broken(gone.engagement_id + " is to be marked as missing, but the source did not deny it");
    }
    const std::size_t always = 5 * static_cast<std::size_t>(world_.scenario.sites);
    if (ids.size() > always + stored_[mark.day] / 5)
        broken("more engagements of a day are to be marked as missing than is plausible");
}

/// Checks that only completely listed days have a result.
void Verifier::check_record(const VerifiedDay& day) {
    for (const SiteDay& site : day.sites) {
        if (!listed_.contains({day.day, site.site_id}))
            broken("a day of " + site.site_id + " has a result although it was not listed");
    }
}

// ---------------------------------------------------------------------------------------------- listings

void Verifier::list(const Verification::List& what) {
    OpenPass window;
    window.from = what.from;
    window.to = what.to;
    const auto listing = std::make_shared<Listing>(
        Listing{what, PassPipeline(Pass(WindowTarget{0, what.site, what.from, 1}, window), what.site, sync)});
    list_on(listing);
}

void Verifier::list_on(const std::shared_ptr<Listing>& listing) {
    for (;;) {
        if (stopping()) listing->pass.stop();
        PassPipeline::Step step = listing->pass.next();
        if (const auto* fetch = std::get_if<PassPipeline::Fetch>(&step)) return ask_page(listing, fetch->ask);
        if (const auto* read = std::get_if<PassPipeline::Commit>(&step)) {
            compare_page(listing, read->batch);
            continue;
        }
        if (std::holds_alternative<PassPipeline::Await>(step)) {
            listing->awaiting = true;
            return;
        }
        break;
    }
    const PassResult& result = listing->pass.result();
    if (result.complete) listed_.insert({listing->what.from, listing->what.site});
    notify([&](Verification& machine) {
        if (result.complete) {
            machine.on_listed(listing->what.day, listing->what.site);
        } else {
            machine.on_list_failed(listing->what.day, listing->what.site, result.outcome);
        }
    });
}

void Verifier::ask_page(const std::shared_ptr<Listing>& listing, const PageRequest& what) {
    ask<FetchedPage>(
        [this, what, site = listing->what.site](Instant asked, Instant now) {
            if (const auto* link = std::get_if<LinkedPageRequest>(&what))
                return world_.source.follow(link->link, asked, now);
            return world_.source.list(site, std::get<FirstPageRequest>(what), asked, now);
        },
        [this, listing](Result<FetchedPage> page) {
            if (page) {
                for (const Engagement& engagement : page.value().page.engagements)
                    shown_.insert({listing->what.from, {engagement.id.str(), listing->what.site}});
                listing->pass.on_page(std::move(page.value()));
            } else {
                listing->pass.on_error(page.error());
            }
            list_on(listing);
        });
}

void Verifier::compare_page(const std::shared_ptr<Listing>& listing,
                            const std::shared_ptr<const Batch>& batch) {
    using Found = std::vector<RecordComparison>;
    const auto go_on = [this, listing] {
        if (std::exchange(listing->awaiting, false)) list_on(listing);
    };
    call<Found>([batch](Sink& sink) { return sink.verifications()->compare(batch->engagements); },
                [this, listing, batch, go_on](const Found& found) {
                    notify([&](Verification& machine) {
                        machine.on_page(listing->what.day, listing->what.site, *batch, found);
                    });
                    listing->pass.on_committed({});
                    go_on();
                },
                [this, listing, go_on](const SinkError& error) {
                    listing->pass.on_commit_failed(exit_status_of(error));
                    go_on();
                });
}

void Verifier::scan(const Verification::Scan& what, const std::optional<StoredCursor>& after) {
    on_sink<StoredPage>(
        what,
        [what, after](Sink& sink) {
            return sink.verifications()->stored(what.from, what.to, what.sites, after);
        },
        [this, what](const StoredPage& page) {
            for (const StoredListing& stored : page.listings) stored_[what.day] += stored.sites.size();
            notify([&](Verification& machine) { machine.on_stored(what.day, page.listings); });
            if (page.next) return scan(what, page.next);
            notify([&](Verification& machine) { machine.on_scanned(what.day); });
        });
}

void Verifier::get(const EngagementOfSite& what) {
    const Instant asked_at = server_now();
    ask<FetchedDetail>(
        [this, id = what.first](Instant asked, Instant now) { return world_.source.get(id, asked, now); },
        [this, what, asked_at](Result<FetchedDetail> fetched) {
            if (!fetched && fetched.error().kind == ApiError::Kind::not_found) {
                source_denied_[what.first] = asked_at;
                return notify([&](Verification& machine) { machine.on_gone(what, asked_at); });
            }
            if (!fetched) {
                const ExitStatus outcome{exit_reason_of(fetched.error()), fetched.error().message};
                return notify([&](Verification& machine) { machine.on_get_failed(what, outcome); });
            }
            Batch one;
            add_to_batch(one, *std::move(fetched.value().detail.engagement), RecordSource::detail,
                         fetched.value().asked(), what.second, sync);
            notify(
                [&](Verification& machine) { machine.on_record(what, std::move(one.engagements.front())); });
        });
}

}  // namespace simulation
