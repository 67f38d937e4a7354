#include "sinks/embed_sql/column_lists.hpp"

#include <string_view>

#include "sinks/postgres/directory_tables.hpp"
#include "sinks/postgres/statistics_tables.hpp"

namespace glia::embed_sql {
namespace {

using namespace glia::postgres;

/// Joins `form` for each column except `key`; `$` in `form` is the column's name.
std::string joined(const auto& columns, std::string_view form, std::string_view key = "") {
    std::string text;
    for (const std::string_view column : columns) {
        if (column == key) continue;
        text += text.empty() ? "" : ", ";
        for (const char c : form) c == '$' ? text.append(column) : text.append(1, c);
    }
    return text;
}

template <typename Table>
void add_table(ColumnLists& lists) {
    const std::string table(Table::name);
    lists[table + ".columns"] = joined(Table::table().columns, "$");
    lists[table + ".set_excluded"] = joined(Table::table().columns, "$ = excluded.$");
}

/// Adds the lists for a table of the directory. Its statements read the rows from a JSON array named `i`.
template <typename Table>
void add_listing(ColumnLists& lists) {
    add_table<Table>(lists);
    lists[std::string(Table::name) + ".values_i"] = joined(Table::table().columns, "i.$");
}

}  // namespace

ColumnLists column_lists() {
    ColumnLists lists;
    add_table<LegTable>(lists);
    add_table<OperatorTable>(lists);
    add_table<MessageTable>(lists);
    add_table<QueueWaitTable>(lists);
    add_table<HandleTable>(lists);
    add_table<WrapUpTable>(lists);
    add_table<OperatorStateTable>(lists);
    add_listing<OperatorEntryTable>(lists);
    add_listing<SiteEntryTable>(lists);
    add_listing<QueueEntryTable>(lists);
    // Without the name, because an engagement may have a newer one.
    lists["queues.set_listed"] = joined(QueueEntryTable::table().columns, "$ = excluded.$", "name");
    const auto columns = EngagementFields::columns();
    lists["engagements.case_core"] = joined(columns, "$ = CASE WHEN n.core THEN n.$ ELSE e.$ END", "id");
    lists["engagements.values_i"] = joined(columns, "i.$", "id");
    std::string compared;
    EngagementFields::for_each([&]<typename F>() {
        if constexpr (is_compared_as_text<F>)
            compared += (compared.empty() ? "e." : ", e.") + std::string(F::column.view());
    });
    lists["engagements.compared_e"] = compared;
    lists["legs.values_i"] = joined(LegTable::table().columns, "i.$", "queue_id");
    lists["legs.values_t"] = joined(LegTable::table().columns, "t.$", "queue_id");
    return lists;
}

}  // namespace glia::embed_sql
