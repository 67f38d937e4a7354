#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stores.hpp"

namespace glia::postgres {
namespace {

Param ids_param(const RejectedQuery& query) {
    std::vector<Param> ids;
    for (const std::int64_t id : query.ids) ids.push_back(param(id));
    return array(ids);
}
Param site_param(const RejectedQuery& query) {
    return query.site_id.empty() ? std::nullopt : Param{query.site_id};
}

class PostgresRejectStore final : public RejectStore {
  public:
    explicit PostgresRejectStore(Connection& connection) : connection_(connection) {}

    std::vector<RejectedRow> find(const RejectedQuery& query) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<RejectedRow> found;
            for (const auto& row : tx.run(sql::list_rejected, {ids_param(query), param(query.resolved_too),
                                                               site_param(query), param(query.limit)})) {
                RejectedRow one;
                one.id = integer(row, "id");
                one.site_id = text(row, "site_id");
                one.engagement_id = text(row, "engagement_id");
                one.source = text(row, "source").value_or("");
                one.reason = text(row, "reason").value_or("");
                one.payload = text(row, "payload").value_or("");
                one.first_seen_at = instant(row, "first_seen_at").value_or(Instant{});
                one.last_seen_at = instant(row, "last_seen_at").value_or(Instant{});
                one.times_seen = integer(row, "times_seen");
                one.resolved_at = instant(row, "resolved_at");
                found.push_back(std::move(one));
            }
            return found;
        });
    }

    std::vector<std::int64_t> ids(const RejectedQuery& query) override {
        return connection_.query([&](Transaction& tx) {
            std::vector<std::int64_t> found;
            for (const auto& row : tx.run(sql::list_rejected_ids,
                                          {ids_param(query), param(query.resolved_too), site_param(query)}))
                found.push_back(integer(row, "id"));
            return found;
        });
    }

    void resolve(std::int64_t id) override {
        connection_.transact([&](Transaction& tx) { tx.run(sql::resolve_one, {param(id)}); });
    }

  private:
    Connection& connection_;
};

}  // namespace

std::unique_ptr<RejectStore> make_reject_store(Connection& connection) {
    return std::make_unique<PostgresRejectStore>(connection);
}

}  // namespace glia::postgres
