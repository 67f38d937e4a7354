#include "sinks/postgres/leg_comparison.hpp"

#include <unordered_map>
#include <utility>

#include "sinks/postgres/sql.hpp"
#include "sinks/postgres/stored_cells.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {
namespace {

/// True if the columns of `row` from `first` on equal the leg.
bool is_stored_leg(const pqxx::row& row, int first, const Leg& leg) {
    bool equal = true;
    LegFields::for_each([&]<typename F>() {
        if constexpr (F::is_column) {
            const Cell stored = cell_of(row, first++);
            if (!equal) return;
            if constexpr (F::kind == FieldKind::json) {
                equal = is_stored_as_json(stored, leg.*F::member);
            } else {
                equal = is_stored_as(stored, leg.*F::member);
            }
        }
    });
    return equal;
}

class LegComparison {
  public:
    explicit LegComparison(const std::vector<const Engagement*>& engagements) {
        for (const Engagement* engagement : engagements) {
            ids_.emplace_back(engagement->id.str());
            by_id_.emplace(*engagement->id, Expected{engagement});
        }
    }

    std::set<std::string_view> run(Transaction& tx) {
        const pqxx::result legs = tx.run(sql::stored_legs, {array(ids_)});
        for (const auto& row : legs) compare_leg(row);
        const pqxx::result queues = tx.run(sql::stored_leg_queues, {array(ids_)});
        for (const auto& row : queues) compare_queue(row);
        std::set<std::string_view> doubtful;
        for (const auto& [id, expected] : by_id_) {
            if (!is_whole(expected)) doubtful.insert(id);
        }
        return doubtful;
    }

  private:
    struct Expected {
        const Engagement* engagement = nullptr;
        std::size_t legs = 0, queues = 0;  // number of equal rows
        bool differs = false;
    };

    static bool is_whole(const Expected& expected) {
        const auto& legs = *expected.engagement->legs;
        std::size_t queues = 0;
        for (const Leg& leg : legs) queues += leg.request_queues.size();
        return !expected.differs && expected.legs == legs.size() && expected.queues == queues;
    }
    static const Leg* find(const Expected& expected, std::string_view id) {
        for (const Leg& leg : *expected.engagement->legs) {
            if (leg.id && *leg.id == id) return &leg;
        }
        return nullptr;
    }

    void compare_leg(const pqxx::row& row) {
        enum Column { kEngagement, kPosition, kLeg };
        Expected& expected = by_id_.at(row[kEngagement].c_str());
        const auto position = row[kPosition].as<std::size_t>();
        const auto& legs = *expected.engagement->legs;
        if (position < legs.size() && is_stored_leg(row, kLeg, legs[position])) {
            ++expected.legs;
        } else {
            expected.differs = true;
        }
    }
    void compare_queue(const pqxx::row& row) {
        enum Column { kEngagement, kLeg, kPosition, kQueue };
        Expected& expected = by_id_.at(row[kEngagement].c_str());
        const Leg* leg = find(expected, row[kLeg].c_str());
        const auto position = row[kPosition].as<std::size_t>();
        if (leg && position < leg->request_queues.size() &&
            is_stored_as(cell_of(row, kQueue), leg->request_queues[position].id)) {
            ++expected.queues;
        } else {
            expected.differs = true;
        }
    }

    std::vector<std::string> ids_;
    std::unordered_map<std::string_view, Expected> by_id_;
};

}  // namespace

std::set<std::string_view> find_doubtful_legs(Transaction& tx,
                                              const std::vector<const Engagement*>& engagements) {
    if (engagements.empty()) return {};
    return LegComparison(engagements).run(tx);
}

}  // namespace glia::postgres
