#include <boost/json.hpp>

#include "sinks/sqlite/sql.hpp"
#include "sinks/sqlite/stores.hpp"

namespace glia::sqlite {
namespace {

Value ids_value(const RejectedQuery& query) {
    return boost::json::serialize(boost::json::array(query.ids.begin(), query.ids.end()));
}
Value site_value(const RejectedQuery& query) {
    return query.site_id.empty() ? Value() : Value(query.site_id);
}

class SqliteRejectStore final : public RejectStore {
  public:
    explicit SqliteRejectStore(StateFile& file) : file_(file) {}

    std::vector<RejectedRow> find(const RejectedQuery& query) override {
        return file_.read([&](Connection& state) {
            std::vector<RejectedRow> found;
            for (const Row& row : state.run(
                     sql::list_rejected,
                     {ids_value(query), std::int64_t{query.resolved_too}, site_value(query), query.limit})) {
                found.push_back({row.integer(0), row.text(1), row.text(2), row.text(3).value_or(""),
                                 row.text(4).value_or(""), row.text(5).value_or(""), *row.instant(6),
                                 *row.instant(7), row.integer(8), row.instant(9)});
            }
            return found;
        });
    }

    std::vector<std::int64_t> ids(const RejectedQuery& query) override {
        return file_.read([&](Connection& state) {
            std::vector<std::int64_t> found;
            for (const Row& row :
                 state.run(sql::list_rejected_ids,
                           {ids_value(query), std::int64_t{query.resolved_too}, site_value(query)}))
                found.push_back(row.integer(0));
            return found;
        });
    }

    void resolve(std::int64_t id) override {
        file_.transact([&](Connection& state) { state.run(sql::resolve_one, {id}); });
    }

  private:
    StateFile& file_;
};

}  // namespace

std::unique_ptr<RejectStore> make_reject_store(StateFile& file) {
    return std::make_unique<SqliteRejectStore>(file);
}

}  // namespace glia::sqlite
