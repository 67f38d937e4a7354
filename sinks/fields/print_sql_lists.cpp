// Run by the build: prints the lists of columns that statements name as @table.list@, as CMake variables for
// embed_sql.cmake. So a statement names no column that the list of fields already names.
#include <iostream>
#include <string>
#include <string_view>

#include "sinks/postgres/directory_tables.hpp"

namespace {

/// `form` for each column that is not in the key, with `$` for its name.
std::string joined(const auto& columns, std::string_view form, std::string_view key = "") {
    std::string text;
    for (const std::string_view column : columns) {
        if (column == key) continue;
        text += text.empty() ? "" : ", ";
        for (const char c : form) c == '$' ? text.append(column) : text.append(1, c);
    }
    return text;
}

void print(std::string_view table, std::string_view list, const std::string& text) {
    std::cout << "set(sql_" << table << "." << list << " \"" << text << "\")\n";
}

template <typename Table>
void print_lists() {
    print(Table::name, "columns", joined(Table::table().columns, "$"));
    print(Table::name, "set_excluded", joined(Table::table().columns, "$ = excluded.$"));
}

/// For the tables of a listing, which the rows of a JSON array `i` are merged into.
template <typename Table>
void print_listing() {
    print_lists<Table>();
    print(Table::name, "values_i", joined(Table::table().columns, "i.$"));
}

}  // namespace

int main() {
    using namespace glia;
    using namespace glia::postgres;
    print_lists<LegTable>();
    print_lists<OperatorTable>();
    print_lists<MessageTable>();
    print_listing<OperatorEntryTable>();
    print_listing<SiteEntryTable>();
    print_listing<QueueEntryTable>();
    // Not the name: an engagement may have told a newer one.
    print("queues", "set_listed", joined(QueueEntryTable::table().columns, "$ = excluded.$", "name"));
    const auto columns = EngagementFields::columns();
    print("engagements", "case_core", joined(columns, "$ = CASE WHEN n.core THEN n.$ ELSE e.$ END", "id"));
    print("engagements", "values_i", joined(columns, "i.$", "id"));
}
