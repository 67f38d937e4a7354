#include "sinks/postgres/marks.hpp"

#include <cstdint>

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

void Marks::add(const Engagement& engagement) {
    add("engagement", bytes_hash(*engagement.id));
    if (engagement.visitor_mark) add("visitor", *engagement.visitor_mark);
    if (engagement.visitor_id) add("visitor", bytes_hash(*engagement.visitor_id));
    ++count_;
}

void Marks::add(const RejectedRecord& record) {
    if (record.engagement_id) add("engagement", bytes_hash(*record.engagement_id));
    if (record.visitor_mark) add("visitor", *record.visitor_mark);
    ++count_;
}

void Marks::add_operator(const std::string& id) {
    add("operator", bytes_hash(id));
    ++count_;
}

void Marks::add(const std::optional<ContentHash>& engagement, const std::vector<ContentHash>& visitors) {
    if (engagement) add("engagement", *engagement);
    for (const ContentHash& visitor : visitors) add("visitor", visitor);
    ++count_;
}

void Marks::add(const char* kind, const ContentHash& mark) {
    kinds_.emplace_back(kind);
    marks_.push_back(to_bytea(mark));
    owners_.push_back(count_);
}

std::set<std::size_t> Marks::forgotten(Transaction& tx) const {
    std::set<std::size_t> numbers;
    for (const auto& row : tx.run(sql::forgotten, {array(kinds_), array(marks_)})) {
        numbers.insert(owners_[static_cast<std::size_t>(row[0].as<std::int64_t>()) - 1]);
    }
    return numbers;
}

bool any_tombstone(Transaction& tx) {
    return truth(tx.run(sql::any_tombstone)[0], "something");
}

}  // namespace glia::postgres
