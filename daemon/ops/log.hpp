// Log lines: one event a line, the same words for the same event, fields as key=value or JSON (DESIGN.md §2,
// log).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/config/settings.hpp"

namespace glia::log {

/// A named value of a line. Values never are secrets.
struct Field {
    std::string_view name;
    std::string value;
    Field(std::string_view key, std::string text) : name(key), value(std::move(text)) {}
    Field(std::string_view key, const char* text) : name(key), value(text) {}
    Field(std::string_view key, long long number) : name(key), value(std::to_string(number)) {}
    Field(std::string_view key, long number) : name(key), value(std::to_string(number)) {}
    Field(std::string_view key, int number) : name(key), value(std::to_string(number)) {}
};
using Fields = std::initializer_list<Field>;

/// Before the first line; to standard error. Any thread may log.
void start(LogLevel level, LogFormat format);

void debug(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void warn(std::string_view event, Fields fields = {});
void error(std::string_view event, Fields fields = {});

/// The text of a line without time and level; what tests compare.
std::string render(std::string_view event, Fields fields, LogFormat format);

}  // namespace glia::log
