// Erasure by order (DESIGN.md §1, forget) and by age. Deletes rows in small transactions. Forgotten data is
// not written again, because every writer checks the tombstones.
#include <algorithm>
#include <string>

#include "sinks/content_hash.hpp"
#include "sinks/fields/directory_fields.hpp"
#include "sinks/postgres/children.hpp"
#include "sinks/postgres/first_sites.hpp"
#include "sinks/postgres/operators.hpp"
#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"
#include "sinks/postgres/tombstones.hpp"

namespace glia::postgres {
namespace {

// Engagements erased per transaction. Small, because a transaction that adds tombstones blocks all commits.
constexpr std::size_t kAtOnce = 200;

std::string id_digest(const std::string& id) {
    return to_bytea(bytes_hash(id));
}

Erased erase(Transaction& tx, const std::vector<std::string>& engagements) {
    Erased erased;
    // Deletes the engagements first: the statement waits for a transaction that writes one of them, and the
    // next statement then sees the children that it wrote.
    erased.engagements = tx.write(sql::erase_engagements, {array(engagements)});
    erase_children(tx, engagements);
    erased.rejected = integer(tx.run(sql::erase_state, {array(engagements)})[0], "rejected");
    return erased;
}

/// Erases engagements and adds a tombstone for each, so that it is not loaded again even if the API later
/// reports another visitor for it.
Erased forget_engagements(Transaction& tx, const std::vector<std::string>& engagements) {
    std::vector<std::string> digests;
    digests.reserve(engagements.size());
    for (const std::string& id : engagements) digests.push_back(id_digest(id));
    tx.run(sql::lock_forgotten);
    tx.run(sql::add_forgotten,
           {array(std::vector<std::string>(engagements.size(), "engagement")), array(digests)});
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

/// Erases the engagements of one page in the order of created_at and moves the cursor past them. Returns true
/// if there may be more.
bool erase_expired(Transaction& tx, const pqxx::result& rows, RetentionCursor& cursor, Erased& erased) {
    const std::vector<std::string> engagements = ids_of(rows);
    if (!engagements.empty()) {
        erased = erase(tx, engagements);
        cursor.from = instant(rows.back(), "created_at");
    }
    return engagements.size() == kAtOnce;
}

/// Performs a step of the cursor's stage, and moves to the next stage when it is complete.
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

// The scan of the tables for the tombstones of another database has three stages, each with a cursor of its
// own: "e" and the id of the last engagement, "r" and the number of the last rejected record, "o" and the id
// of the last operator.

ErasureStep erase_tombstoned_engagements(Connection& connection, const std::string& after) {
    ErasureStep step{{}, false, "r0"};
    const auto page = tombstoned_engagements(connection, after);
    for (std::size_t at = 0; at < page.with_tombstone.size(); at += kAtOnce) {
        const std::size_t end = std::min(at + kAtOnce, page.with_tombstone.size());
        const std::vector<std::string> some(page.with_tombstone.begin() + static_cast<std::ptrdiff_t>(at),
                                            page.with_tombstone.begin() + static_cast<std::ptrdiff_t>(end));
        Erased erased;
        connection.transact([&](Transaction& tx) { erased = forget_engagements(tx, some); });
        step.erased += erased;
    }
    if (page.last) step.cursor = "e" + *page.last;
    return step;
}

ErasureStep erase_tombstoned_rejects(Connection& connection, std::int64_t after) {
    ErasureStep step{{}, false, "o"};
    const auto page = tombstoned_rejects(connection, after);
    std::vector<Param> ids;
    for (const std::int64_t id : page.with_tombstone) ids.push_back(param(id));
    if (!ids.empty()) {
        connection.transact(
            [&](Transaction& tx) { step.erased.rejected = tx.write(sql::erase_rejected, {array(ids)}); });
    }
    if (page.last) step.cursor = "r" + std::to_string(*page.last);
    return step;
}

/// Stores an erasure order for each operator, like `forget --operator`, because such an erasure has several
/// steps.
ErasureStep order_tombstoned_operators(Connection& connection, const ErasureOrder& order) {
    ErasureStep step;
    const auto page = tombstoned_operators(connection, order.cursor.substr(1));
    const std::vector<std::string> kinds(page.with_tombstone.size(), "operator");
    connection.transact([&](Transaction& tx) {
        if (!kinds.empty()) tx.run(sql::add_erasures, {array(kinds), array(page.with_tombstone)});
        if (!page.last) end_erasure(tx, order);
    });
    step.finished = !page.last;
    if (page.last) step.cursor = "o" + *page.last;
    return step;
}

ErasureStep erase_tombstoned(Connection& connection, const ErasureOrder& order) {
    if (order.cursor.empty()) return erase_tombstoned_engagements(connection, "");
    switch (order.cursor.front()) {
        case 'e':
            return erase_tombstoned_engagements(connection, order.cursor.substr(1));
        case 'r':
            return erase_tombstoned_rejects(connection, std::stoll(order.cursor.substr(1)));
        default:
            return order_tombstoned_operators(connection, order);
    }
}

// Chat messages read per step of an operator's erasure. There is no index by sender, because it would slow
// down every stored chat for the sake of rare erasures.
constexpr std::int64_t kMessagesPerPage = 5000;

/// Erases first the operator's rows, then the operator's name in the chats, page by page. The cursor is the
/// position and the engagement of the last message read.
ErasureStep erase_operator(Transaction& tx, const ErasureOrder& order) {
    ErasureStep step;
    if (order.cursor.empty()) {
        step.erased.operators = erase_operators(tx, {order.id});
        step.erased.rejected = tx.write(sql::erase_rejected_of_operator, {order.id});
        step.finished = false;
        step.cursor = "-1 ";
        return step;
    }
    const std::size_t space = order.cursor.find(' ');
    const auto page = tx.run(
        sql::operator_messages_after,
        {order.id, order.cursor.substr(space + 1), order.cursor.substr(0, space), param(kMessagesPerPage)});
    std::vector<std::string> engagements, positions;
    for (const auto& row : page) {
        if (!truth(row, "sent")) continue;
        engagements.push_back(*text(row, "engagement_id"));
        positions.push_back(*text(row, "position"));
    }
    if (!engagements.empty()) tx.run(sql::erase_senders, {array(engagements), array(positions)});
    step.finished = static_cast<std::int64_t>(page.size()) < kMessagesPerPage;
    if (step.finished) {
        end_erasure(tx, order);
    } else {
        step.cursor = *text(page.back(), "position") + " " + *text(page.back(), "engagement_id");
    }
    return step;
}

constexpr std::int64_t kRecordingsPerPage = 1000;

class PostgresErasureStore final : public ErasureStore {
  public:
    explicit PostgresErasureStore(Connection& connection) : connection_(connection) {}

    /// Stores the tombstones and the order in one transaction. From then on the data is not written again.
    void forget(const ForgetOrder& order) override {
        std::vector<std::string> kinds, digests, order_kinds, ids;
        const auto add = [&](const char* kind, const std::string& id) {
            for (auto* list : {&kinds, &order_kinds}) list->emplace_back(kind);
            digests.push_back(id_digest(id));
            ids.push_back(id);
        };
        if (order.engagement_id) add("engagement", *order.engagement_id);
        if (order.operator_id) add("operator", *order.operator_id);
        for (const OptionalText& visitor : {order.visitor_id, order.stored_visitor_id}) {
            if (visitor) add("visitor", *visitor);
        }
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::lock_forgotten);
            tx.run(sql::add_forgotten, {array(kinds), array(digests)});
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
        if (order.kind == "tombstones") return erase_tombstoned(connection_, order);
        return connection_.query([&](Transaction& tx) {
            ErasureStep step;
            if (order.kind == "engagement") {
                step.erased = forget_engagements(tx, {order.id});
                end_erasure(tx, order);
                return step;
            }
            if (order.kind == "operator") return erase_operator(tx, order);
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

    /// Erases engagements created before `before`, rejected records last seen before it, and samples taken
    /// before it.
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
        connection_.transact(
            [&](Transaction& tx) { tx.run(sql::end_erasures, {"recordings", array(engagements)}); });
    }

    std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) override {
        return list_tombstones(connection_, after, limit);
    }
    std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) override {
        return postgres::add_tombstones(connection_, tombstones);
    }
    void erase_examples(const ForbiddenExamples& forbidden) override {
        connection_.transact([&](Transaction& tx) {
            tx.run(sql::erase_forbidden_examples, {param(forbidden.unknown), array(forbidden.members)});
        });
    }
    void erase_operator_data(const OperatorPrivacy& privacy) override {
        using Stored = OperatorPrivacy::Stored;
        connection_.transact([&](Transaction& tx) {
            if (privacy.names != Stored::all) {
                const Param pseudonyms = param(privacy.names == Stored::pseudonyms);
                tx.run(sql::erase_forbidden_operator_names, {pseudonyms});
                tx.run(sql::clear_operator_names, {pseudonyms});
                tx.run(sql::erase_forbidden_rejected_operators,
                       {pseudonyms, array(operator_members(PersonalData::operator_name))});
            }
            if (privacy.contacts == Stored::all) return;
            const Param pseudonyms = param(privacy.contacts == Stored::pseudonyms);
            const std::vector<std::string> members(kOperatorContactMembers.begin(),
                                                   kOperatorContactMembers.end());
            tx.run(sql::clear_operator_contacts, {pseudonyms, array(members)});
            tx.run(sql::erase_forbidden_rejected_operators,
                   {pseudonyms, array(operator_members(PersonalData::operator_contact))});
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
