// Values between C++ and statements: parameters as texts, columns of results.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::postgres {

/// A parameter of a statement; none is NULL.
using Param = std::optional<std::string>;
using Params = std::vector<Param>;

/// Column helpers: NULL is none.
OptionalText text(const pqxx::row& row, const char* column);
std::int64_t integer(const pqxx::row& row, const char* column);
OptionalInstant instant(const pqxx::row& row, const char* column);  ///< column holds microseconds since 1970
std::optional<double> real(const pqxx::row& row, const char* column);
bool truth(const pqxx::row& row, const char* column);

/// Parameter helpers.
Param param(const OptionalInstant& time);
Param param(std::int64_t number);
Param param(bool flag);
/// A one-dimensional array literal, cast in the statement.
std::string array(const std::vector<Param>& values);
std::string array(const std::vector<std::string>& values);

}  // namespace glia::postgres
