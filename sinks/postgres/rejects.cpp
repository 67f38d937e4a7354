#include "sinks/postgres/rejects.hpp"

#include <map>
#include <utility>
#include <vector>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/marks.hpp"
#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

void write_rejected(Transaction& tx, const Batch& batch) {
    if (batch.rejected.empty()) return;
    Marks marks;
    for (const RejectedFetch& rejected : batch.rejected) marks.add(rejected.record);
    const std::set<std::size_t> forgotten = marks.forgotten(tx);
    std::size_t number = 0;
    std::map<std::pair<std::string, RecordSource>, std::map<ContentHash, const RejectedFetch*>> by_origin;
    for (const RejectedFetch& rejected : batch.rejected) {
        if (forgotten.contains(number++)) continue;
        by_origin[{rejected.site_id, rejected.source}][bytes_hash(rejected.record.payload)] = &rejected;
    }
    for (const auto& [origin, records] : by_origin) {
        std::vector<Param> engagement_ids, reasons, payloads, hashes;
        for (const auto& [payload_hash, rejected] : records) {
            engagement_ids.push_back(rejected->record.engagement_id);
            reasons.push_back(rejected->record.reason);
            payloads.push_back(rejected->record.payload);
            hashes.push_back(to_bytea(payload_hash));
        }
        tx.run(sql::reject_records, {origin.first.empty() ? std::nullopt : Param{origin.first},
                                     origin.second == RecordSource::list ? "list" : "detail",
                                     array(engagement_ids), array(reasons), array(payloads), array(hashes)});
    }
}

}  // namespace glia::postgres
