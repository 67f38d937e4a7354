#include <utility>

#include "sinks/content_hash.hpp"
#include "sinks/fields/directory_fields.hpp"
#include "sinks/sink_error.hpp"
#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

// Rows per statement when stored rows are checked against tombstones. Fewer for payloads, which may be long.
constexpr std::int64_t kEngagementsPerPage = 1000;
constexpr std::int64_t kRejectsPerPage = 200;

std::string id_digest(const std::string& id) {
    return to_hex(bytes_hash(id));
}

class SqliteErasureStore final : public ErasureStore {
  public:
    explicit SqliteErasureStore(StateFile& file) : file_(file) {}

    /// Erases at once, in one transaction: the state is small, and no other program writes to it.
    void forget(const ForgetOrder& order) override {
        file_.transact([&](Connection& state) {
            if (order.engagement_id) forget_engagement(state, *order.engagement_id);
            if (order.operator_id) {
                state.run(sql::add_forgotten, {std::string("operator"), id_digest(*order.operator_id)});
                erased_.operators += state.write(sql::erase_operator, {*order.operator_id});
                erased_.rejected += state.write(sql::erase_rejected_of_operator, {*order.operator_id});
            }
            for (const OptionalText& visitor : {order.visitor_id, order.stored_visitor_id}) {
                if (!visitor) continue;
                const std::string digest = id_digest(*visitor);
                state.run(sql::add_forgotten, {std::string("visitor"), digest});
                for (const Row& row : state.run(sql::engagements_of_visitor, {digest}))
                    forget_engagement(state, *row.text(0));
                erased_.rejected += state.write(sql::erase_rejected_of_visitor, {*visitor});
            }
        });
    }
    /// forget() has erased everything already; only the counts are left to report.
    std::vector<ErasureOrder> orders() override {
        return erased_.any() ? std::vector<ErasureOrder>(1) : std::vector<ErasureOrder>{};
    }
    ErasureStep erase_part(const ErasureOrder&) override { return {std::exchange(erased_, {}), true}; }

    Erased erase_older(Instant before, RetentionCursor& cursor) override {
        const Erased erased = file_.transact([&](Connection& state) {
            Erased some;
            for (const Row& row : state.run(sql::expired_engagements, {micros(before)}))
                some += erase(state, *row.text(0));
            some.rejected += state.write(sql::expire_rejected, {micros(before)});
            return some;
        });
        if (!erased.any()) cursor.stage = RetentionCursor::Stage::finished;
        return erased;
    }

    std::vector<std::string> recordings_to_erase(const std::string&) override { return {}; }
    void recordings_erased(const std::vector<std::string>&) override {}

    std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) override {
        return file_.read([&](Connection& state) {
            std::vector<Tombstone> found;
            for (const Row& row :
                 state.run(sql::list_tombstones, {std::string(after ? name_of(after->kind) : ""),
                                                  after ? to_hex(after->digest) : std::string(), limit})) {
                const auto digest = from_bytea("\\x" + row.text(1).value_or(""));
                if (!digest)
                    throw SinkError(SinkError::Kind::internal, "the digest of a tombstone is malformed");
                const auto kind = tombstone_kind(row.text(0).value_or(""));
                if (!kind) continue;  // written by a newer version
                found.push_back({*kind, *digest, std::nullopt});
            }
            return found;
        });
    }
    /// Erases the data that the tombstones name in the same transaction.
    std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) override {
        return file_.transact([&](Connection& state) {
            std::int64_t added = 0;
            for (const Tombstone& tombstone : tombstones) {
                added += state.write(sql::add_forgotten,
                                     {std::string(name_of(tombstone.kind)), to_hex(tombstone.digest)});
            }
            forget_engagements_with_tombstones(state);
            erase_operators_with_tombstones(state);
            erase_rejects_with_tombstones(state);
            return added;
        });
    }

    void erase_examples(const ForbiddenExamples& forbidden) override {
        file_.transact([&](Connection& state) {
            state.run(sql::erase_forbidden_examples,
                      {std::int64_t{forbidden.unknown}, list(forbidden.members)});
        });
    }

    /// The state holds operators' names only in rejected records. Lines that were written are not changed.
    void erase_operator_data(const OperatorPrivacy& privacy) override {
        using Stored = OperatorPrivacy::Stored;
        const auto forbid = [&](Connection& state, Stored level, PersonalData kind) {
            if (level == Stored::all) return;
            state.run(sql::erase_forbidden_rejected_operators,
                      {std::int64_t{level == Stored::pseudonyms}, list(operator_members(kind))});
        };
        file_.transact([&](Connection& state) {
            forbid(state, privacy.names, PersonalData::operator_name);
            forbid(state, privacy.contacts, PersonalData::operator_contact);
        });
    }

  private:
    static Erased erase(Connection& state, const std::string& engagement) {
        Erased erased;
        erased.engagements = state.write(sql::erase_engagement, {engagement});
        state.run(sql::erase_work, {engagement});
        state.run(sql::clear_ongoing, {engagement});
        state.run(sql::erase_undocumented_example, {engagement});
        erased.rejected = state.write(sql::erase_rejected, {engagement});
        return erased;
    }
    void forget_engagement(Connection& state, const std::string& engagement) {
        state.run(sql::add_forgotten, {std::string("engagement"), id_digest(engagement)});
        erased_ += erase(state, engagement);
    }

    static bool has_tombstone(Connection& state, const OptionalText& engagement, const std::string& kind,
                              const std::vector<std::string>& persons) {
        const Value digest = engagement ? Value(id_digest(*engagement)) : Value();
        return state.run(sql::is_forgotten, {digest, kind, list(persons)}).at(0).integer(0) != 0;
    }
    /// An index cannot find an id by its digest, so these functions read every row, page by page.
    void forget_engagements_with_tombstones(Connection& state) {
        for (std::string after;;) {
            const auto rows = state.run(sql::engagements_after, {after, kEngagementsPerPage});
            if (rows.empty()) return;
            for (const Row& row : rows) {
                after = *row.text(0);
                const OptionalText visitor = row.text(1);
                const std::vector<std::string> visitors(visitor ? 1 : 0, visitor.value_or(""));
                if (has_tombstone(state, after, "visitor", visitors)) forget_engagement(state, after);
            }
        }
    }
    /// A listing leaves forgotten operators out. If their entries stayed, it would write lines that they are
    /// missing. Operators are few, so all are read at once.
    void erase_operators_with_tombstones(Connection& state) {
        for (const Row& row : state.run(sql::known_operators)) {
            const std::string id = *row.text(0);
            if (state.run(sql::is_operator_forgotten, {id_digest(id)}).at(0).integer(0) != 0)
                erased_.operators += state.write(sql::erase_operator, {id});
        }
    }
    void erase_rejects_with_tombstones(Connection& state) {
        for (std::int64_t after = 0;;) {
            const auto rows = state.run(sql::rejected_after, {after, kRejectsPerPage});
            if (rows.empty()) return;
            for (const Row& row : rows) {
                after = row.integer(0);
                std::vector<std::string> persons;
                for (const ContentHash& digest : possible_person_digests(row.text(2).value_or("")))
                    persons.push_back(to_hex(digest));
                if (has_tombstone(state, row.text(1), kind_of_person(row.text(3).value_or("")), persons))
                    erased_.rejected += state.write(sql::erase_rejected_one, {after});
            }
        }
    }

    StateFile& file_;
    Erased erased_;
};

}  // namespace

std::unique_ptr<ErasureStore> make_erasure_store(StateFile& file) {
    return std::make_unique<SqliteErasureStore>(file);
}

}  // namespace glia::sqlite
