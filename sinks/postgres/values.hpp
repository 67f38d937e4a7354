// Converts values to parameters of statements, and columns of results to values.
#pragma once

#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::postgres {

/// A parameter of a statement; none for NULL.
using Param = std::optional<std::string>;
using Params = std::vector<Param>;

/// Read a column; NULL becomes none, 0 or false.
OptionalText text(const pqxx::row& row, const char* column);
std::int64_t integer(const pqxx::row& row, const char* column);
OptionalInstant instant(const pqxx::row& row, const char* column);  ///< column holds microseconds since 1970
std::optional<double> real(const pqxx::row& row, const char* column);
bool truth(const pqxx::row& row, const char* column);

/// Convert a value to a parameter.
Param param(const OptionalInstant& time);
Param param(std::int64_t number);
Param param(bool flag);
/// Returns a one-dimensional array literal. The statement casts it.
std::string array(const std::vector<Param>& values);
std::string array(const std::vector<std::string>& values);

}  // namespace glia::postgres
