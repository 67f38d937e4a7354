// The model's tables as text, for the comparison with a sink's.
#pragma once

#include <string>

#include "sinks/content_hash.hpp"
#include "tests/integration/twins.hpp"

namespace glia {

inline std::string hex(const std::optional<RecordHash>& hash) {
    return hash ? to_bytea(*hash) : "NULL";
}
inline std::string time(const OptionalInstant& at) {
    return at ? std::to_string(at->time_since_epoch().count()) : "NULL";
}

/// The model's tables, in the form in which the tests read those of a sink.
inline std::string tables(const simulation::ModelDatabase& model) {
    std::string text;
    const auto add = [&](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
    for (const auto& [id, row] : model.rows) {
        std::string sites, legs;
        for (const auto& site : row.sites) sites += (sites.empty() ? "" : ",") + site;
        for (const Leg& leg : row.legs)
            legs += (legs.empty() ? "" : ",") + leg.id.str() + ":" + std::to_string(*leg.duration);
        add(id + "|" + std::to_string(*row.core.duration) + "|" + hex(row.state.core_hash) + "|" +
            hex(row.state.list_hash) + "|" + hex(row.state.legs_hash) + "|" + time(row.state.fetched_at) +
            "|" + time(row.state.legs_fetched_at) + "|" + (sites.empty() ? "NULL" : sites) + "|" +
            (legs.empty() ? "NULL" : legs));
    }
    for (const auto& [job, queued] : model.jobs(WorkKind::detail)) {
        add(job.first + "|" + time(queued.wanted_after) + "|" + std::to_string(queued.attempts) + "|" +
            (queued.parked ? "t" : "f") + "|" + (queued.claimed_by.empty() ? "NULL" : queued.claimed_by));
    }
    for (const auto& [id, next] : model.ongoing) add(id);
    for (const auto& [id, site] : model.sites) {
        add(id + "|" + time(site.synced_through) + "|" +
            time(site.open_pass ? site.open_pass->from : OptionalInstant{}) + "|" +
            (site.open_pass ? site.open_pass->next_page.value_or("NULL") : "NULL") + "|" +
            std::to_string(site.lease_epoch) + "|" + (site.lease_owner.empty() ? "NULL" : site.lease_owner) +
            "|" + std::to_string(site.tiers.size()));
    }
    return text;
}

/// The same for transcripts and operators, which only PostgreSQL keeps.
inline std::string content_tables(const simulation::ModelDatabase& model) {
    std::string text;
    const auto add = [&](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
    for (const auto& [job, queued] : model.jobs(WorkKind::transcript)) {
        add(job.first + "|" + (queued.waiting ? "t" : "f") + "|" + time(queued.wanted_after) + "|" +
            std::to_string(queued.attempts) + "|" + (queued.parked ? "t" : "f") + "|" +
            (queued.claimed_by.empty() ? "NULL" : queued.claimed_by));
    }
    for (const auto& [id, transcript] : model.transcripts) {
        for (const ChatMessage& message : transcript.messages) add(id + "|" + *message.message);
    }
    for (const auto& [id, stored] : model.operators) {
        std::string sites;
        for (const std::string& site : stored.sites) sites += (sites.empty() ? "" : ",") + site;
        add(id + "|" + stored.entry.name.value_or("NULL") + "|" + (*stored.entry.enabled ? "t" : "f") + "|" +
            time(stored.fetched_at) + "|" + (stored.missing_since ? "t" : "f") + "|" +
            (sites.empty() ? "NULL" : sites));
    }
    for (const auto& [id, names] : model.names) {
        std::map<std::string, std::string> sorted;
        for (const auto& name : names)
            sorted[time(name.valid_from)] = "|" + time(name.valid_to) + "|" + name.name;
        for (const auto& [from, rest] : sorted) add(id + "|" + from + rest);
    }
    return text;
}

/// Adds the sites to both, so that they begin with the same state.
inline void register_sites(Sink& sink, simulation::ModelDatabase& model) {
    for (const SiteKey& site :
         {SiteKey{"s0"}, SiteKey{"s1"}, SiteKey{"s0", Stream::operators}, SiteKey{"s1", Stream::operators}}) {
        for (SiteLeases* leases : {&sink.site_leases(), &model.site_leases()}) {
            leases->acquire(site, "nobody", Seconds{0}, true);
            leases->release({site.site_id, 1, site.stream}, {});
        }
    }
}

}  // namespace glia
