// The part of a simulated process that finds engagements which the source no longer has
// (daemon/sync/presence.cpp).
#include "sinks/timestamp.hpp"
#include "tests/simulation/process.hpp"

namespace simulation {

struct Process::Marking {
    std::shared_ptr<PassInProgress> pass;
    Unlisted unlisted;
    Done then;
    std::vector<std::string> ids{};  // still to be requested, from the back
    std::vector<GoneEngagement> gone{};
};

void Process::mark_unlisted(const std::shared_ptr<PassInProgress>& pass, Instant from, OptionalInstant to,
                            Done then) {
    const PassResult& result = pass->run.result();
    const OptionalInstant began = result.reached.pass.started_at;
    if (!result.complete || !result.listed || !began || stopping() || !world_.database.can_verify)
        return then();
    world_.log(instance_id_, "searches for unlisted engagements", to_iso8601(from), to_iso8601(*began));
    const CompleteListing listing{from, to ? std::min(*to, *began) : *began, result.listed};
    read_stored(std::make_shared<Marking>(
        Marking{pass, Unlisted(listing, presence_, steady_now()), std::move(then)}));
}

void Process::read_stored(const std::shared_ptr<Marking>& marking) {
    const auto range = marking->unlisted.next_range();
    if (!range) {
        world_.log(instance_id_, "not listed", std::to_string(marking->unlisted.unlisted()), "of",
                   std::to_string(marking->unlisted.stored()));
        marking->ids = marking->unlisted.ids_to_request();
        for (const std::string& id : marking->ids) {
            if (marking->pass->shown.contains(id))
                broken("it asks whether " + id + " is gone, but the pass listed it");
        }
        return ask_whether_gone(marking);
    }
    call<std::vector<StoredIds>>(
        [site = marking->pass->run.site(), range](Sink& sink) {
            return sink.verifications()->ids_in_ranges(site, {*range});
        },
        [this, marking](const std::vector<StoredIds>& stored) {
            marking->unlisted.on_stored(stored.at(0));
            read_stored(marking);
        },
        [marking](const SinkError&) { marking->then(); });
}

void Process::ask_whether_gone(const std::shared_ptr<Marking>& marking) {
    if (marking->ids.empty()) return mark(marking);
    const std::string id = marking->ids.back();
    marking->ids.pop_back();
    const Instant asked_at = server_now();
    ask<FetchedDetail>([this, id](Instant asked, Instant now) { return world_.source.get(id, asked, now); },
                       [this, marking, id, asked_at](const Result<FetchedDetail>& fetched) {
                           if (fetched || fetched.error().kind == ApiError::Kind::refused) {
                               presence_.note_present(id, steady_now());
                           } else if (fetched.error().kind == ApiError::Kind::not_found) {
                               marking->gone.push_back({id, asked_at});
                           } else {
                               marking->ids.clear();
                           }
                           ask_whether_gone(marking);
                       });
}

void Process::mark(const std::shared_ptr<Marking>& marking) {
    if (marking->gone.empty()) return marking->then();
    call<std::vector<std::string>>(
        [gone = marking->gone](Sink& sink) { return sink.verifications()->mark_missing(gone); },
        [marking](const std::vector<std::string>&) { marking->then(); },
        [marking](const SinkError&) { marking->then(); });
}

}  // namespace simulation
