#include "sinks/postgres/tombstone_lookup.hpp"

#include <cstdint>

#include "sinks/postgres/sql.hpp"
#include "sinks/tombstone.hpp"

namespace glia::postgres {

void TombstoneLookup::add(const Engagement& engagement) {
    add("engagement", bytes_hash(*engagement.id));
    if (engagement.visitor_digest) add("visitor", *engagement.visitor_digest);
    if (engagement.visitor_id) add("visitor", bytes_hash(*engagement.visitor_id));
    ++count_;
}

void TombstoneLookup::add(const RejectedRecord& record, const char* kind) {
    if (record.engagement_id) add("engagement", bytes_hash(*record.engagement_id));
    if (record.visitor_digest) add("visitor", *record.visitor_digest);
    if (record.operator_id) add("operator", bytes_hash(*record.operator_id));
    for (const ContentHash& person : possible_person_digests(record.payload)) add(kind, person);
    ++count_;
}

void TombstoneLookup::add_operator(const std::string& id) {
    add("operator", bytes_hash(id));
    ++count_;
}

void TombstoneLookup::add(const std::optional<ContentHash>& engagement, const char* kind,
                          const std::vector<ContentHash>& persons) {
    if (engagement) add("engagement", *engagement);
    for (const ContentHash& person : persons) add(kind, person);
    ++count_;
}

void TombstoneLookup::add(const char* kind, const ContentHash& digest) {
    kinds_.emplace_back(kind);
    digests_.push_back(to_bytea(digest));
    numbers_.push_back(count_);
}

std::set<std::size_t> TombstoneLookup::forgotten(Transaction& tx) const {
    std::set<std::size_t> numbers;
    for (const auto& row : tx.run(sql::forgotten, {array(kinds_), array(digests_)})) {
        numbers.insert(numbers_[static_cast<std::size_t>(row[0].as<std::int64_t>()) - 1]);
    }
    return numbers;
}

bool any_tombstone(Transaction& tx) {
    return truth(tx.run(sql::any_tombstone)[0], "something");
}

}  // namespace glia::postgres
