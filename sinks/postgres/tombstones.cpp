#include "sinks/postgres/tombstones.hpp"

#include <algorithm>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/operators.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tombstone_lookup.hpp"
#include "sinks/stream.hpp"

namespace glia::postgres {
namespace {

// Rows per page. Fewer for payloads, which may be long.
constexpr std::int64_t kEngagementsPerPage = 5000;
constexpr std::int64_t kRejectsPerPage = 200;
// Bounds the parameters of one statement of an import.
constexpr std::size_t kTombstonesPerStatement = 10'000;

void insert(Transaction& tx, std::vector<Tombstone>::const_iterator begin,
            std::vector<Tombstone>::const_iterator end, std::int64_t& added) {
    std::vector<Param> kinds, digests, times;
    for (auto tombstone = begin; tombstone != end; ++tombstone) {
        kinds.emplace_back(name_of(tombstone->kind));
        digests.emplace_back(to_bytea(tombstone->digest));
        times.push_back(param(tombstone->forgotten_at));
    }
    added += tx.write(sql::import_tombstones, {array(kinds), array(digests), array(times)});
}

}  // namespace

std::vector<Tombstone> list_tombstones(Connection& connection, const std::optional<Tombstone>& after,
                                       std::int64_t limit) {
    std::vector<Tombstone> found;
    connection.transact([&](Transaction& tx) {
        found.clear();
        const Params from{after ? name_of(after->kind) : "", after ? to_bytea(after->digest) : "\\x",
                          param(limit)};
        for (const auto& row : tx.run(sql::list_tombstones, from)) {
            const auto digest = from_bytea(*text(row, "mark"));
            if (!digest) throw SinkError(SinkError::Kind::internal, "the digest of a tombstone is malformed");
            const auto kind = tombstone_kind(*text(row, "kind"));
            if (!kind) continue;  // written by a newer version
            found.push_back({*kind, *digest, instant(row, "forgotten_at")});
        }
    });
    return found;
}

std::int64_t add_tombstones(Connection& connection, const std::vector<Tombstone>& tombstones) {
    std::int64_t added = 0;
    connection.transact([&](Transaction& tx) {
        added = 0;
        tx.run(sql::lock_forgotten);
        for (auto at = tombstones.begin(); at != tombstones.end();) {
            const auto rest = static_cast<std::size_t>(tombstones.end() - at);
            const auto end = at + static_cast<std::ptrdiff_t>(std::min(rest, kTombstonesPerStatement));
            insert(tx, at, end, added);
            at = end;
        }
        tx.run(sql::order_tombstone_scan);
    });
    return added;
}

TombstonedPage<std::string> tombstoned_engagements(Connection& connection, const std::string& after) {
    TombstonedPage<std::string> page;
    connection.transact([&](Transaction& tx) {
        page = {};
        TombstoneLookup tombstones;
        std::vector<std::string> ids;
        for (const auto& row : tx.run(sql::engagements_after, {after, param(kEngagementsPerPage)})) {
            ids.push_back(*text(row, "id"));
            const OptionalText visitor = text(row, "visitor_id");
            std::vector<ContentHash> visitors;
            if (visitor) visitors.push_back(bytes_hash(*visitor));
            tombstones.add(bytes_hash(ids.back()), "visitor", visitors);
        }
        if (ids.empty()) return;
        for (const std::size_t number : tombstones.forgotten(tx)) page.with_tombstone.push_back(ids[number]);
        page.last = ids.back();
    });
    return page;
}

TombstonedPage<std::int64_t> tombstoned_rejects(Connection& connection, std::int64_t after) {
    TombstonedPage<std::int64_t> page;
    connection.transact([&](Transaction& tx) {
        page = {};
        TombstoneLookup tombstones;
        std::vector<std::int64_t> ids;
        for (const auto& row : tx.run(sql::rejected_after, {param(after), param(kRejectsPerPage)})) {
            ids.push_back(integer(row, "id"));
            const OptionalText engagement = text(row, "engagement_id");
            tombstones.add(engagement ? std::optional(bytes_hash(*engagement)) : std::nullopt,
                           kind_of_person(*text(row, "source")),
                           possible_person_digests(*text(row, "payload")));
        }
        if (ids.empty()) return;
        for (const std::size_t number : tombstones.forgotten(tx)) page.with_tombstone.push_back(ids[number]);
        page.last = ids.back();
    });
    return page;
}

TombstonedPage<std::string> tombstoned_operators(Connection& connection, const std::string& after) {
    TombstonedPage<std::string> page;
    connection.transact([&](Transaction& tx) {
        page = {};
        std::vector<std::string> ids;
        for (const auto& row : tx.run(sql::operators_after, {after, param(kEngagementsPerPage)}))
            ids.push_back(*text(row, "id"));
        if (ids.empty()) return;
        const auto forgotten = forgotten_operators(tx, ids);
        page.with_tombstone.assign(forgotten.begin(), forgotten.end());
        page.last = ids.back();
    });
    return page;
}

}  // namespace glia::postgres
