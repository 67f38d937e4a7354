// Erasing for good (DESIGN.md §1, forget), and by age: rows go in small transactions, and what was forgotten
// stays away, because every writer looks for its tombstone.
#include <algorithm>
#include <string>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/children.hpp"
#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/operators.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/postgres/tombstones.hpp"

namespace glia::postgres {
namespace {

// Engagements erased in one transaction: while they are, nobody else commits.
constexpr std::size_t kAtOnce = 200;

std::string id_digest(const std::string& id) {
    return to_bytea(bytes_hash(id));
}

Erased erase(Transaction& tx, const std::vector<std::string>& engagements) {
    Erased erased;
    // The engagements first: whoever writes one now is waited for, and the children it leaves are seen by the
    // next statement.
    erased.engagements = tx.write(sql::erase_engagements, {array(engagements)});
    erase_children(tx, engagements);
    erased.rejected = integer(tx.run(sql::erase_state, {array(engagements)})[0], "rejected");
    return erased;
}

/// Each with a tombstone of its own: it stays away even if the API should name its visitor otherwise one day.
Erased forget_engagements(Transaction& tx, const std::vector<std::string>& engagements) {
    std::vector<std::string> marks;
    marks.reserve(engagements.size());
    for (const std::string& id : engagements) marks.push_back(id_digest(id));
    tx.run(sql::lock_forgotten);
    tx.run(sql::add_forgotten,
           {array(std::vector<std::string>(engagements.size(), "engagement")), array(marks)});
    return erase(tx, engagements);
}

void end_erasure(Transaction& tx, const ErasureOrder& order) {
    tx.run(sql::end_erasures, {order.kind, array(std::vector<std::string>{order.id})});
}

std::vector<std::string> ids_of(const pqxx::result& rows) {
    std::vector<std::string> ids;
    ids.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto& row : rows) ids.push_back(*text(row, "id"));
    return ids;
}

/// Erases the next of those that one walk by created_at finds, and moves the cursor behind them. True if
/// there may be more.
bool erase_expired(Transaction& tx, const pqxx::result& rows, RetentionCursor& cursor, Erased& erased) {
    const std::vector<std::string> engagements = ids_of(rows);
    if (!engagements.empty()) {
        erased = erase(tx, engagements);
        cursor.from = instant(rows.back(), "created_at");
    }
    return engagements.size() == kAtOnce;
}

/// The stage that `cursor` is at, or the next one if that is through.
Erased erase_of_stage(Transaction& tx, Instant before, RetentionCursor& cursor) {
    using Stage = RetentionCursor::Stage;
    const Param some = param(static_cast<std::int64_t>(kAtOnce));
    const Param from = cursor.from ? to_text(*cursor.from) : "-infinity";
    Erased erased;
    switch (cursor.stage) {
        case Stage::listed: {
            const bool more =
                !cursor.site.empty() &&
                erase_expired(tx,
                              tx.run(sql::expired_engagements, {cursor.site, from, to_text(before), some}),
                              cursor, erased);
            if (more) break;
            const OptionalText next = next_first_site(tx, cursor.site);
            cursor = {next ? Stage::listed : Stage::unlisted, next.value_or(""), std::nullopt};
            break;
        }
        case Stage::unlisted:
            if (!erase_expired(tx, tx.run(sql::expired_unlisted, {from, to_text(before), some}), cursor,
                               erased))
                cursor = {Stage::rejected, "", std::nullopt};
            break;
        case Stage::rejected:
            erased.rejected = tx.write(sql::expire_rejected, {to_text(before), some});
            if (erased.rejected < static_cast<std::int64_t>(kAtOnce)) cursor.stage = Stage::samples;
            break;
        case Stage::samples:
            if (tx.write(sql::expire_samples, {to_text(before), some}) < static_cast<std::int64_t>(kAtOnce))
                cursor.stage = Stage::finished;
            break;
        case Stage::finished:
            break;
    }
    return erased;
}

/// A part of what is stored of the tombstones of another database: first engagements, by their ids (a cursor
/// "e" and the last one), then rejected records ("r" and the last one's number).
ErasureStep erase_buried(Connection& connection, const ErasureOrder& order) {
    ErasureStep step{{}, false, "r0"};
    if (order.cursor.empty() || order.cursor.front() == 'e') {
        const auto page = buried_engagements(connection, order.cursor.empty() ? "" : order.cursor.substr(1));
        for (std::size_t at = 0; at < page.buried.size(); at += kAtOnce) {
            const std::size_t end = std::min(at + kAtOnce, page.buried.size());
            const std::vector<std::string> some(page.buried.begin() + static_cast<std::ptrdiff_t>(at),
                                                page.buried.begin() + static_cast<std::ptrdiff_t>(end));
            Erased erased;
            connection.transact([&](Transaction& tx) { erased = forget_engagements(tx, some); });
            step.erased += erased;
        }
        if (page.last) step.cursor = "e" + *page.last;
        return step;
    }
    const auto page = buried_rejects(connection, std::stoll(order.cursor.substr(1)));
    std::vector<Param> ids;
    for (const std::int64_t id : page.buried) ids.push_back(param(id));
    connection.transact([&](Transaction& tx) {
        if (!ids.empty()) step.erased.rejected = tx.write(sql::erase_rejected, {array(ids)});
        if (!page.last) end_erasure(tx, order);
    });
    step.finished = !page.last;
    if (page.last) step.cursor = "r" + std::to_string(*page.last);
    return step;
}

constexpr std::int64_t kRecordingsPerPage = 1000;

class PostgresErasureStore final : public ErasureStore {
  public:
    explicit PostgresErasureStore(Connection& connection) : connection_(connection) {}

    /// The tombstones, and the order to erase what they name: from then on none of it is written again.
    void forget(const ForgetOrder& order) override {
        std::vector<std::string> kinds, marks, order_kinds, ids;
        const auto add = [&](const char* kind, const std::string& id) {
            for (auto* list : {&kinds, &order_kinds}) list->emplace_back(kind);
            marks.push_back(id_digest(id));
            ids.push_back(id);
        };
        if (order.engagement_id) add("engagement", *order.engagement_id);
        if (order.operator_id) add("operator", *order.operator_id);
        for (const OptionalText& visitor : {order.visitor_id, order.stored_visitor_id}) {
            if (visitor) add("visitor", *visitor);
        }
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::lock_forgotten);
            tx.run(sql::add_forgotten, {array(kinds), array(marks)});
            tx.run(sql::add_erasures, {array(order_kinds), array(ids)});
        });
    }

    std::vector<ErasureOrder> orders() override {
        return connection_.query([&](Transaction& tx) {
            std::vector<ErasureOrder> orders;
            for (const auto& row : tx.run(sql::list_erasures))
                orders.push_back({*text(row, "kind"), *text(row, "id"), ""});
            return orders;
        });
    }

    ErasureStep erase_part(const ErasureOrder& order) override {
        if (order.kind == "tombstones") return erase_buried(connection_, order);
        return connection_.query([&](Transaction& tx) {
            ErasureStep step;
            if (order.kind == "engagement") {
                step.erased = forget_engagements(tx, {order.id});
                end_erasure(tx, order);
                return step;
            }
            if (order.kind == "operator") {
                step.erased.operators = erase_operators(tx, {order.id});
                end_erasure(tx, order);
                return step;
            }
            const auto engagements = ids_of(
                tx.run(sql::engagements_of_visitor, {order.id, param(static_cast<std::int64_t>(kAtOnce))}));
            if (!engagements.empty()) {
                step.erased = forget_engagements(tx, engagements);
                step.finished = false;
                return step;
            }
            step.erased.rejected = tx.write(sql::erase_rejected_of_visitor, {order.id});
            end_erasure(tx, order);
            return step;
        });
    }

    /// Engagements created before, rejected records last seen before, and samples taken before.
    Erased erase_older(Instant before, RetentionCursor& cursor) override {
        RetentionCursor next;
        const Erased erased = connection_.query([&](Transaction& tx) {
            next = cursor;
            return erase_of_stage(tx, before, next);
        });
        cursor = next;
        return erased;
    }

    std::vector<std::string> recordings_to_erase(const std::string& after) override {
        return connection_.query([&](Transaction& tx) {
            return ids_of(tx.run(sql::recordings_to_erase, {after, param(kRecordingsPerPage)}));
        });
    }
    void recordings_erased(const std::vector<std::string>& engagements) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::end_erasures, {"recordings", array(engagements)});
        });
    }

    std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) override {
        return list_tombstones(connection_, after, limit);
    }
    std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) override {
        return postgres::add_tombstones(connection_, tombstones);
    }
    void erase_examples(const ForbiddenExamples& forbidden) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::forbid_examples, {param(forbidden.unknown), array(forbidden.members)});
        });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<ErasureStore> make_erasure_store(Connection& connection) {
    return std::make_unique<PostgresErasureStore>(connection);
}

}  // namespace glia::postgres
