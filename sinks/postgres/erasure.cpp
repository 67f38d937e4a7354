#include "sinks/postgres/erasure.hpp"

#include <algorithm>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/tombstones.hpp"

namespace glia::postgres {
namespace {

// Engagements erased in one transaction: while they are, nobody else commits.
constexpr std::size_t kAtOnce = 200;

std::string mark_of(const std::string& id) {
    return to_bytea(bytes_hash(id));
}

Erased erase(Transaction& tx, const std::vector<std::string>& engagements) {
    Erased erased;
    // The engagements first: whoever writes one now is waited for, and the children it leaves are seen by the
    // next statement.
    erased.engagements = tx.write(sql::erase_engagements, {array(engagements)});
    erased.rejected = integer(tx.run(sql::erase_children, {array(engagements)})[0], "rejected");
    return erased;
}

/// Each with a tombstone of its own: it stays away even if the API should name its visitor otherwise one day.
Erased forget_engagements(Connection& connection, const std::vector<std::string>& engagements) {
    Erased all;
    for (std::size_t at = 0; at < engagements.size(); at += kAtOnce) {
        const std::size_t end = std::min(at + kAtOnce, engagements.size());
        const std::vector<std::string> some(engagements.begin() + static_cast<std::ptrdiff_t>(at),
                                            engagements.begin() + static_cast<std::ptrdiff_t>(end));
        Erased erased;
        connection.transact([&](Transaction& tx) {
            std::vector<std::string> marks;
            marks.reserve(some.size());
            for (const std::string& id : some) marks.push_back(mark_of(id));
            tx.run(sql::lock_forgotten);
            tx.run(sql::add_forgotten,
                   {array(std::vector<std::string>(some.size(), "engagement")), array(marks)});
            erased = erase(tx, some);
        });
        all += erased;
    }
    return all;
}

Erased forget_visitor(Connection& connection, const std::string& visitor) {
    std::vector<std::string> engagements;
    connection.transact([&](Transaction& tx) {
        engagements.clear();
        for (const auto& row : tx.run(sql::engagements_of_visitor, {visitor})) {
            engagements.push_back(*text(row, "id"));
        }
    });
    Erased erased = forget_engagements(connection, engagements);
    std::int64_t rejected = 0;
    connection.transact(
        [&](Transaction& tx) { rejected = tx.write(sql::erase_rejected_of_visitor, {visitor}); });
    erased.rejected += rejected;
    return erased;
}

/// What is stored of the tombstones of another database.
Erased forget_buried(Connection& connection) {
    Erased all;
    for (std::optional<std::string> after(""); after;) {
        auto page = buried_engagements(connection, *after);
        all += forget_engagements(connection, page.buried);
        after = std::move(page.last);
    }
    for (std::optional<std::int64_t> after(0); after;) {
        const auto page = buried_rejects(connection, *after);
        after = page.last;
        if (page.buried.empty()) continue;
        std::vector<Param> ids;
        for (const std::int64_t id : page.buried) ids.push_back(param(id));
        std::int64_t rejected = 0;
        connection.transact([&](Transaction& tx) { rejected = tx.write(sql::erase_rejected, {array(ids)}); });
        all.rejected += rejected;
    }
    return all;
}

Erased erase_order(Connection& connection, const std::string& kind, const std::string& id) {
    if (kind == "visitor") return forget_visitor(connection, id);
    if (kind == "tombstones") return forget_buried(connection);
    return forget_engagements(connection, {id});
}

}  // namespace

void begin_forgetting(Connection& connection, const ForgetOrder& order) {
    std::vector<std::string> kinds, marks, order_kinds, ids;
    const auto add = [](std::vector<std::string>& names, const char* kind, std::vector<std::string>& values,
                        std::string value) {
        names.push_back(kind);
        values.push_back(std::move(value));
    };
    if (order.engagement_id) {
        add(kinds, "engagement", marks, mark_of(*order.engagement_id));
        add(order_kinds, "engagement", ids, *order.engagement_id);
    }
    for (const OptionalText& visitor : {order.visitor_id, order.stored_visitor_id}) {
        if (!visitor) continue;
        add(kinds, "visitor", marks, mark_of(*visitor));
        add(order_kinds, "visitor", ids, *visitor);
    }
    connection.transact([&](Transaction& tx) {
        tx.run(sql::lock_forgotten);
        tx.run(sql::add_forgotten, {array(kinds), array(marks)});
        tx.run(sql::add_erasures, {array(order_kinds), array(ids)});
    });
}

Erased erase_ordered(Connection& connection) {
    std::vector<std::pair<std::string, std::string>> orders;
    connection.transact([&](Transaction& tx) {
        orders.clear();
        for (const auto& row : tx.run(sql::list_erasures, {param(false)})) {
            orders.emplace_back(*text(row, "kind"), *text(row, "id"));
        }
    });
    Erased all;
    for (const auto& [kind, id] : orders) {
        all += erase_order(connection, kind, id);
        connection.transact([&, &kind = kind, &id = id](Transaction& tx) {
            tx.run(sql::end_erasures, {kind, array(std::vector<std::string>{id})});
        });
    }
    return all;
}

Erased erase_older(Connection& connection, Instant before) {
    Erased erased;
    connection.transact([&](Transaction& tx) {
        erased = {};
        const Params some{to_text(before), param(static_cast<std::int64_t>(kAtOnce))};
        std::vector<std::string> engagements;
        for (const auto& row : tx.run(sql::expired_engagements, some)) {
            engagements.push_back(*text(row, "id"));
        }
        if (!engagements.empty()) erased = erase(tx, engagements);
        erased.rejected += tx.write(sql::expire_rejected, some);
        tx.run(sql::expire_samples, {to_text(before)});
    });
    return erased;
}

}  // namespace glia::postgres
