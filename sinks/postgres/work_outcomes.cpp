#include "sinks/postgres/work_outcomes.hpp"

#include <chrono>

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {
namespace {

using Outcomes = std::vector<const WorkOutcome*>;

template <typename Value>
std::string column(const Outcomes& outcomes, Value value) {
    std::vector<Param> values;
    for (const WorkOutcome* outcome : outcomes) values.push_back(value(*outcome));
    return array(values);
}

/// Runs a statement about jobs. Its parameters are their kind and keys, then `more`.
pqxx::result run(Transaction& tx, std::string_view sql, WorkKind kind, const Outcomes& outcomes,
                 const Params& more) {
    Params params{name_of(kind),
                  column(outcomes, [](const WorkOutcome& o) { return Param{o.job.engagement_id}; }),
                  column(outcomes, [](const WorkOutcome& o) { return Param{o.job.item}; })};
    params.insert(params.end(), more.begin(), more.end());
    return tx.run(sql, params);
}

std::string fetched_at(const Outcomes& outcomes) {
    return column(outcomes, [](const WorkOutcome& o) { return param(o.fetched_at); });
}

std::string latest_wanted_after(const Outcomes& outcomes) {
    const auto now = std::chrono::steady_clock::now();
    return column(outcomes, [&](const WorkOutcome& o) { return param(latest_wanted_after(o, now)); });
}

pqxx::result complete(Transaction& tx, WorkKind kind, const Outcomes& done, const Param& instance_id) {
    const auto file = [&](auto value) {
        return column(done, [&](const WorkOutcome& o) { return o.file ? Param{value(*o.file)} : Param{}; });
    };
    return run(tx, sql::complete_work, kind, done,
               {fetched_at(done), latest_wanted_after(done), instance_id,
                file([](const RecordingFile& f) { return f.path; }),
                file([](const RecordingFile& f) { return std::to_string(f.size_bytes); }),
                file([](const RecordingFile& f) { return f.sha256; })});
}

void fail(Transaction& tx, WorkKind kind, const Outcomes& failed) {
    run(tx, sql::fail_work, kind, failed,
        {column(failed, [](const WorkOutcome& o) { return o.error.empty() ? Param{} : Param{o.error}; }),
         column(failed, [](const WorkOutcome& o) { return param(o.retry_in.count()); }),
         column(failed, [](const WorkOutcome& o) { return param(o.parked); }),
         column(failed, [](const WorkOutcome& o) { return param(o.attempted); })});
}

/// Returns the jobs whose claims the instance has lost, and locks the others.
std::map<JobKey, ClaimResult> not_held(Transaction& tx, WorkKind kind, const Outcomes& jobs,
                                       const Param& instance_id) {
    std::map<JobKey, ClaimResult> missing;
    for (const WorkOutcome* outcome : jobs)
        missing[{outcome->job.engagement_id, outcome->job.item}] = ClaimResult::erased;
    for (const auto& row : run(tx, sql::lock_claimed_work, kind, jobs, {instance_id})) {
        const JobKey key{row[0].c_str(), row[1].c_str()};
        missing[key] = ClaimResult::lost;
        if (truth(row, "held")) missing.erase(key);
    }
    return missing;
}

}  // namespace

std::map<JobKey, ClaimResult> complete_work(Transaction& tx, WorkKind kind,
                                            const std::vector<WorkOutcome>& outcomes,
                                            const std::string& instance_id) {
    const Param by = instance_id.empty() ? std::nullopt : Param{instance_id};
    Outcomes done, failed;
    for (const WorkOutcome& outcome : outcomes) (outcome.fetched_at ? done : failed).push_back(&outcome);
    if (!done.empty()) {
        const auto completed =
            kind == WorkKind::detail
                ? run(tx, sql::remove_work, kind, done, {fetched_at(done), latest_wanted_after(done), by})
                : complete(tx, kind, done, by);
        std::set<JobKey> ours;
        for (const auto& row : completed) ours.emplace(row[0].c_str(), row[1].c_str());
        std::erase_if(done, [&](const WorkOutcome* outcome) {
            return ours.contains({outcome->job.engagement_id, outcome->job.item});
        });
    }
    // Checks the claims of the jobs that were not completed. A batch does this after it has written its
    // engagements: like a batch of list items, it locks rows of engagements before rows of work_items.
    Outcomes rest = done;
    rest.insert(rest.end(), failed.begin(), failed.end());
    if (by && !rest.empty()) {
        auto missing = not_held(tx, kind, rest, by);
        if (!missing.empty()) return missing;
    }
    if (!done.empty()) complete(tx, kind, done, by);  // details that need a later response
    if (!failed.empty()) fail(tx, kind, failed);
    return {};
}

void delete_work(Transaction& tx, WorkKind kind, const WorkJob& job, const std::string& instance_id) {
    const auto one = [](const std::string& value) { return array(std::vector<std::string>{value}); };
    tx.run(sql::remove_work, {name_of(kind), one(job.engagement_id), one(job.item), one("infinity"),
                              array(std::vector<Param>{std::nullopt}), instance_id});
}

void complete_details(Transaction& tx, const Batch& batch) {
    const auto lost = complete_work(tx, WorkKind::detail, batch.details, batch.claimed_by);
    if (lost.empty()) return;
    ClaimsLost claims;
    for (const auto& [job, why] : lost) claims.engagements.insert(job.first);
    throw ClaimsLost(claims);
}

}  // namespace glia::postgres
