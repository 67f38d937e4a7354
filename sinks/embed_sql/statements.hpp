// Reads the files of statements (sinks/*/sql/*.sql) for the build. A file holds the statements of one
// subject:
//
//     -- What the file is about.
//
//     -- name: claim_windows(backfill, instance, limit)
//     -- Comments, up to the statement.
//     UPDATE … WHERE backfill_id = :backfill::bigint …;
//
// A statement without parameters has no parentheses: `-- name: instances_with_leases`. A list of parameters
// may continue on further comment lines. C++ passes parameters by position, in the order of the list:
// :backfill becomes $1 for PostgreSQL, ?1 for SQLite. In strings, quoted names, dollar quotes and comments,
// and after `::`, nothing is a parameter.
// @table.list@ stands for a list of columns.
// By hand: no Debian package reads named statements into C++.
#pragma once

#include <string>
#include <vector>

#include "sinks/embed_sql/column_lists.hpp"

namespace glia::embed_sql {

struct File {
    std::string path;
    std::string text;
};

struct Statement {
    std::string name;
    std::vector<std::string> parameters;
    std::string text;  ///< with numbers for parameters, without `--` comments
    std::string path;  ///< the file that contains it
    int line = 0;

    bool operator==(const Statement&) const = default;
};

struct Statements {
    std::vector<Statement> all;  ///< by name
    std::vector<std::string>
        problems;  ///< `FILE:LINE: what is wrong and what to do`; empty if the files are right

    bool operator==(const Statements&) const = default;
};

/// Reads the statements of one sink. `parameter_prefix`: the character before a parameter's number ($ or ?).
/// `sources`: the sink's C++ files, which must use each statement as sql::NAME.
Statements read_statements(const std::vector<File>& files, const std::vector<File>& sources,
                           char parameter_prefix, const ColumnLists& lists);

}  // namespace glia::embed_sql
