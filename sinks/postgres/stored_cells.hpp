// Compares columns in PostgreSQL's text form with values of a record, in the program instead of in SQL.
#pragma once

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "sinks/records.hpp"

namespace glia::postgres {

/// A column's text, borrowed from the result; none for NULL.
using Cell = std::optional<std::string_view>;

inline Cell cell_of(const pqxx::row& row, int column) {
    const auto field = row[column];
    return field.is_null() ? Cell{} : Cell{{field.c_str(), field.size()}};
}
inline Cell cell_of(const RecordText& value) {
    return value ? Cell{*value} : Cell{};
}

inline bool is_stored_as(const Cell& stored, const RecordText& value) {
    return stored == cell_of(value);
}
inline bool is_stored_as(const Cell& stored, const OptionalInteger& value) {
    return stored ? value && *stored == std::to_string(*value) : !value;
}
inline bool is_stored_as(const Cell& stored, const OptionalFlag& value) {
    return stored ? value && *stored == (*value ? "t" : "f") : !value;
}
/// Also false for special times: infinity, years before 1 or after 9999.
bool is_stored_as(const Cell& stored, const OptionalInstant& value);
/// `value`: canonical JSON. May be false for equal values, because PostgreSQL orders members and formats
/// numbers differently.
bool is_stored_as_json(const Cell& stored, const RecordText& value);

}  // namespace glia::postgres
