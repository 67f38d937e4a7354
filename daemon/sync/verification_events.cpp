// The event handlers of Verification, which take the results of its steps.
#include <algorithm>

#include "daemon/sync/listed_ids.hpp"
#include "daemon/sync/verification.hpp"
#include "sinks/engagement_plan.hpp"
#include "sinks/invariant.hpp"

namespace glia {
namespace {

EngagementOfSite key_of(const FetchedEngagement& record) {
    return {record.engagement.id.str(), record.site_id};
}

/// Maps comparisons by the indexes of their records.
std::map<std::size_t, const RecordComparison*> by_record(const std::vector<RecordComparison>& found) {
    std::map<std::size_t, const RecordComparison*> all;
    for (const RecordComparison& one : found) all[one.record] = &one;
    return all;
}

}  // namespace

void Verification::on_page(Day number, const std::string& id, const Batch& batch,
                           const std::vector<RecordComparison>& found) {
    OneDay& day = days_.at(number);
    SiteOfDay& site = day.sites.at(id);
    if (site.state != SiteOfDay::State::listing) return;  // it failed in the meantime
    // Rejected records count as listed: a GET would return the same unreadable record.
    for (const RejectedFetch& rejected : batch.rejected) {
        if (rejected.record.engagement_id)
            site.listed.insert(ListedIds::digest(*rejected.record.engagement_id));
    }
    const auto differing = by_record(found);
    compared_ += static_cast<std::int64_t>(batch.engagements.size());
    for (std::size_t i = 0; i < batch.engagements.size(); ++i) {
        const Engagement& engagement = batch.engagements[i].engagement;
        const std::string engagement_id = engagement.id.str();
        const bool is_of_day = day.from <= engagement.created_at && engagement.created_at < day.to;
        const bool is_first = site.listed.insert(ListedIds::digest(engagement_id)).second;
        if (is_first && is_of_day) ++site.counts.listed;
        if (!engagement.legs) site.lists_legs = false;
        if (differing.count(i) > 0) {
            suspect(number, id, engagement_id, Reason::differs, is_of_day);
        } else if (engagement.legs) {
            // The comparison of the page included the legs.
            if (is_first && is_of_day) ++site.counts.legs_read;
        } else if (is_of_day && is_sampled(engagement_id, salt_, spec_.legs_share)) {
            suspect(number, id, engagement_id, Reason::sampled, true);
        }
    }
}

void Verification::on_listed(Day day, const std::string& site) {
    --listing_;
    SiteOfDay& listed = days_.at(day).sites.at(site);
    if (listed.state == SiteOfDay::State::listing) listed.state = SiteOfDay::State::listed;
}

void Verification::on_list_failed(Day day, const std::string& site, const ExitStatus& outcome) {
    --listing_;
    fail_site(day, site, outcome);
}

void Verification::on_stored(Day number, const std::vector<StoredListing>& listings) {
    OneDay& day = days_.at(number);
    for (const StoredListing& stored : listings) {
        for (const std::string& id : stored.sites) {
            SiteOfDay& site = day.sites.at(id);
            ++site.counts.stored;
            if (spec_.lists_all && site.listed.count(ListedIds::digest(stored.engagement_id)) == 0)
                suspect(number, id, stored.engagement_id, Reason::unlisted, false);
        }
    }
}

void Verification::ask_for_name_sources(Day number) {
    OneDay& day = days_.at(number);
    for (const QueueNameSource& source : name_sources_) {
        if (source.created_at < day.from || source.created_at >= day.to) continue;
        for (auto& [id, site] : day.sites) {
            if (site.state != SiteOfDay::State::listed ||
                site.listed.count(ListedIds::digest(source.engagement_id)) == 0)
                continue;
            if (!site.lists_legs) suspect(number, id, source.engagement_id, Reason::sampled, true);
            break;
        }
    }
}

void Verification::on_scanned(Day day) {
    --writing_;
    ask_for_name_sources(day);
    days_.at(day).state = OneDay::State::scanned;
}

// ------------------------------------------------------------------------------------------------- suspects

void Verification::suspect(Day day, const std::string& site, const std::string& id, Reason reason,
                           bool is_counted) {
    const EngagementOfSite what{id, site};
    if (known_.count(what) > 0) return;
    const auto [place, is_new] = suspects_.try_emplace(what);
    if (!is_new) {
        // Stays in the counts of the day that suspected it first.
        if (reason == Reason::differs && place->second.reason == Reason::sampled)
            place->second.reason = reason;
        return;
    }
    place->second.day = day;
    place->second.reason = reason;
    place->second.is_counted = is_counted;
    ++days_.at(day).suspects;
    due_.insert({Milliseconds::min(), what});
}

/// Ends a suspicion: the verdict is known, or cannot be reached.
void Verification::clear(const EngagementOfSite& what) {
    const auto place = suspects_.find(what);
    if (place == suspects_.end()) return;
    --days_.at(place->second.day).suspects;
    suspects_.erase(place);
}

Verification::SiteOfDay& Verification::site_of(const EngagementOfSite& what) {
    return days_.at(suspects_.at(what).day).sites.at(what.second);
}

Milliseconds Verification::recheck_delay_of(const std::string& site) const {
    const auto known = spec_.recheck_delays.find(site);
    return known == spec_.recheck_delays.end() ? Milliseconds{0} : known->second;
}

void Verification::on_record(const EngagementOfSite& what, FetchedEngagement record) {
    --getting_;
    record.site_id = what.second;
    responses_.push_back(std::move(record));
}

void Verification::on_gone(const EngagementOfSite& what, Instant asked_at) {
    --getting_;
    // An engagement that was listed may have been deleted before the GET: the next run decides.
    if (suspects_.at(what).reason == Reason::unlisted) {
        add_difference(what, DifferenceKind::gone);
        SiteOfDay& site = site_of(what);
        ++site.counts.gone;
        site.gone.push_back({what.first, asked_at});
    }
    clear(what);
}

void Verification::on_no_record(const EngagementOfSite& what) {
    --getting_;
    clear(what);
}

void Verification::on_get_failed(const EngagementOfSite& what, const ExitStatus& outcome) {
    --getting_;
    fail_site(suspects_.at(what).day, what.second, outcome);
    clear(what);
}

void Verification::on_compared(const Batch& batch, const std::vector<RecordComparison>& found,
                               Milliseconds now) {
    --comparing_;
    const auto differing = by_record(found);
    for (std::size_t i = 0; i < batch.engagements.size(); ++i) {
        const FetchedEngagement& record = batch.engagements[i];
        const EngagementOfSite what = key_of(record);
        Suspect& suspected = suspects_.at(what);
        SiteOfDay& site = site_of(what);
        if (suspected.observations++ == 0 && record.engagement.legs) ++site.counts.legs_read;
        if (!suspected.is_counted && suspected.reason == Reason::unlisted) {
            ++site.counts.listed;  // the source has it, although no listing of the day shows it
            suspected.is_counted = true;
        }
        const auto difference = differing.find(i);
        if (difference == differing.end()) {
            clear(what);
            continue;
        }
        SourceObservation seen{content_hashes(record.engagement), *difference->second};
        const Milliseconds delay = recheck_delay_of(what.second);
        const Verdict verdict = judge(suspected.last, seen, suspected.observations, delay > Milliseconds{0});
        if (verdict == Verdict::recheck) {
            suspected.last = std::move(seen);
            due_.insert({now + delay, what});
            continue;
        }
        if (verdict == Verdict::no_difference) {
            clear(what);
            continue;
        }
        const bool missing = difference->second->finding == RecordComparison::Finding::missing;
        if (!suspected.is_counted) ++site.counts.listed;
        ++(missing ? site.counts.missing : site.counts.different);
        add_difference(what, missing ? DifferenceKind::missing : DifferenceKind::different);
        if (spec_.repair) {
            to_load_.push_back(record);
        } else {
            clear(what);
        }
    }
}

void Verification::add_difference(const EngagementOfSite& what, DifferenceKind kind) {
    const auto [place, is_new] = known_.try_emplace(what, differences_.size());
    if (is_new) differences_.push_back({what.first, what.second, kind, false});
}

void Verification::on_loaded(const Batch& batch, const std::vector<RecordComparison>& still_different) {
    --writing_;
    const auto differing = by_record(still_different);
    for (std::size_t i = 0; i < batch.engagements.size(); ++i) {
        const EngagementOfSite what = key_of(batch.engagements[i]);
        if (differing.count(i) == 0) {
            ++site_of(what).counts.repaired;
            differences_.at(known_.at(what)).repaired = true;
        }
        clear(what);
    }
}

void Verification::on_marked(Day number, const std::vector<std::string>& marked) {
    --writing_;
    OneDay& day = days_.at(number);
    --day.marking;
    for (const std::string& engagement : marked) {
        for (auto& [id, site] : day.sites) {
            const auto known = known_.find({engagement, id});
            if (known == known_.end() || differences_[known->second].kind != DifferenceKind::gone) continue;
            differences_[known->second].repaired = true;
            ++site.counts.repaired;
        }
    }
}

void Verification::on_recorded() {
    --writing_;
}

// ------------------------------------------------------------------------------------------------- failures

void Verification::fail_site(Day day, const std::string& site, const ExitStatus& outcome) {
    outcome_.merge(outcome);
    days_.at(day).sites.at(site).state = SiteOfDay::State::failed;
}

void Verification::on_failed(const Step& step, const ExitStatus& outcome) {
    const auto drop = [&](const Batch& batch) {
        for (const FetchedEngagement& record : batch.engagements) {
            const EngagementOfSite what = key_of(record);
            fail_site(suspects_.at(what).day, what.second, outcome);
            clear(what);
        }
    };
    outcome_.merge(outcome);
    if (const auto* compare = std::get_if<Compare>(&step)) {
        --comparing_;
        drop(*compare->batch);
    } else if (const auto* load = std::get_if<Load>(&step)) {
        --writing_;
        drop(*load->batch);
    } else if (const auto* scan = std::get_if<Scan>(&step)) {
        --writing_;
        for (const std::string& site : scan->sites) fail_site(scan->day, site, outcome);
        days_.at(scan->day).state = OneDay::State::scanned;
    } else if (const auto* mark = std::get_if<Mark>(&step)) {
        on_marked(mark->day, {});
    } else if (std::holds_alternative<Record>(step)) {
        --writing_;
    } else {
        check_invariant(false, "steps that call the API report failures by their own events");
    }
}

}  // namespace glia
