#include "sinks/postgres/rejects.hpp"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tombstone_lookup.hpp"
#include "sinks/tombstone.hpp"

namespace glia::postgres {
namespace {

// Maximum records per statement. Bounds the size of its parameters.
constexpr std::size_t kRecordsAtOnce = 1000;

struct Origin {
    std::string site_id;  ///< empty for a detail
    std::string source;
    auto operator<=>(const Origin&) const = default;
};
using RecordsByHash = std::map<ContentHash, const RejectedRecord*>;

void insert(Transaction& tx, const Origin& origin, const RecordsByHash& records) {
    const Param site = origin.site_id.empty() ? std::nullopt : Param{origin.site_id};
    for (auto at = records.begin(); at != records.end();) {
        std::vector<Param> engagement_ids, reasons, payloads, hashes;
        for (; at != records.end() && reasons.size() < kRecordsAtOnce; ++at) {
            const RejectedRecord& record = *at->second;
            engagement_ids.push_back(record.engagement_id);
            reasons.push_back(record.reason);
            payloads.push_back(record.payload);
            hashes.push_back(to_bytea(at->first));
        }
        tx.run(sql::reject_records,
               {site, origin.source, array(engagement_ids), array(reasons), array(payloads), array(hashes)});
    }
}

using RecordsWithOrigin = std::vector<std::pair<Origin, const RejectedRecord*>>;

/// Returns the positions of the records of forgotten engagements, visitors and operators.
std::set<std::size_t> find_forgotten(Transaction& tx, const RecordsWithOrigin& rejected) {
    if (!any_tombstone(tx)) return {};
    TombstoneLookup tombstones;
    for (const auto& [origin, record] : rejected) tombstones.add(*record, kind_of_person(origin.source));
    return tombstones.forgotten(tx);
}

void write(Transaction& tx, const RecordsWithOrigin& rejected) {
    if (rejected.empty()) return;
    const std::set<std::size_t> forgotten = find_forgotten(tx, rejected);
    std::map<Origin, RecordsByHash> by_origin;
    std::size_t number = 0;
    for (const auto& [origin, record] : rejected) {
        if (!forgotten.contains(number++)) by_origin[origin][bytes_hash(record->payload)] = record;
    }
    for (const auto& [origin, records] : by_origin) insert(tx, origin, records);
}

}  // namespace

void write_rejected(Transaction& tx, const Batch& batch) {
    RecordsWithOrigin rejected;
    for (const RejectedFetch& one : batch.rejected)
        rejected.push_back({{one.site_id, name_of(one.source)}, &one.record});
    write(tx, rejected);
}

void replace_rejected(Transaction& tx, const std::string& site_id, const std::string& source,
                      const std::vector<RejectedRecord>& rejected) {
    RecordsWithOrigin all;
    for (const RejectedRecord& record : rejected) all.push_back({{site_id, source}, &record});
    write(tx, all);
    tx.run(sql::resolve_rejected_before, {site_id, source});
}

}  // namespace glia::postgres
