#include "sinks/postgres/values.hpp"

namespace glia::postgres {

OptionalText text(const pqxx::row& row, const char* column) {
    const auto field = row[column];
    if (field.is_null()) return std::nullopt;
    return std::string(field.c_str(), field.size());
}

std::int64_t integer(const pqxx::row& row, const char* column) {
    return row[column].is_null() ? 0 : row[column].as<std::int64_t>();
}

OptionalInstant instant(const pqxx::row& row, const char* column) {
    if (row[column].is_null()) return std::nullopt;
    return Instant{std::chrono::microseconds{row[column].as<std::int64_t>()}};
}

std::optional<double> real(const pqxx::row& row, const char* column) {
    if (row[column].is_null()) return std::nullopt;
    return row[column].as<double>();
}

bool truth(const pqxx::row& row, const char* column) {
    return !row[column].is_null() && row[column].as<bool>();
}

Param param(const OptionalInstant& time) {
    return time ? Param{to_text(*time)} : std::nullopt;
}
Param param(std::int64_t number) {
    return std::to_string(number);
}
Param param(bool flag) {
    return flag ? "true" : "false";
}

std::string array(const std::vector<Param>& values) {
    std::string literal = "{";
    for (const Param& value : values) {
        if (literal.size() > 1) literal.push_back(',');
        if (!value) {
            literal += "NULL";
            continue;
        }
        literal.push_back('"');
        for (const char c : *value) {
            if (c == '"' || c == '\\') literal.push_back('\\');
            literal.push_back(c);
        }
        literal.push_back('"');
    }
    return literal + "}";
}

std::string array(const std::vector<std::string>& values) {
    return array(std::vector<Param>(values.begin(), values.end()));
}

}  // namespace glia::postgres
