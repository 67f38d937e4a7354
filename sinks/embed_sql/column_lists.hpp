// The lists of columns that statements refer to as @table.list@. They derive from the list of fields
// (sinks/fields), so that statements do not repeat it.
#pragma once

#include <map>
#include <string>

namespace glia::embed_sql {

/// Maps `table.list` to its text.
using ColumnLists = std::map<std::string, std::string>;

ColumnLists column_lists();

}  // namespace glia::embed_sql
