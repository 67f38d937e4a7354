#include "sinks/postgres/values.hpp"

#include <algorithm>

namespace glia::postgres {
namespace {

void add_element(std::string& literal, const std::string& value) {
    literal.push_back('"');
    for (auto rest = value.begin(); rest != value.end();) {
        const auto special = std::find_if(rest, value.end(), [](char c) { return c == '"' || c == '\\'; });
        literal.append(rest, special);
        if (special == value.end()) break;
        literal.append({'\\', *special});
        rest = special + 1;
    }
    literal.push_back('"');
}
void add_element(std::string& literal, const Param& value) {
    value ? add_element(literal, *value) : void(literal += "NULL");
}

template <typename Value>
std::string array_of(const std::vector<Value>& values) {
    std::string literal = "{";
    for (const Value& value : values) {
        if (literal.size() > 1) literal.push_back(',');
        add_element(literal, value);
    }
    return literal + "}";
}

}  // namespace

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
    return array_of(values);
}

std::string array(const std::vector<std::string>& values) {
    return array_of(values);
}

}  // namespace glia::postgres
