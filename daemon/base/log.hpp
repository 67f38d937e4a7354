// Log lines: one line per event, a constant text per kind of event, and fields as key=value, JSON or journal
// fields (DESIGN.md §2, log).
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace glia {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };
/// The topic of a line. kLogTopics has the names.
enum class LogTopic { service, sync, details, backfill, api, database, admin, enrich };
inline constexpr std::array<const char*, 8> kLogTopics{"service", "sync",     "details", "backfill",
                                                       "api",     "database", "admin",   "enrich"};

struct LogSettings {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    /// The level of each topic; `level` applies to topics that have none.
    std::array<std::optional<LogLevel>, kLogTopics.size()> topics{};
    bool operator==(const LogSettings&) const = default;
};

namespace log {

/// A named value of a line. Callers never pass secrets.
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

/// Call it before the first line and again when the configuration changes. Lines go to the journal, with
/// priority and fields, if standard error is connected to it; otherwise to standard error. Any thread may
/// log.
void start(const LogSettings& settings);

/// Adds the field `site_name` to all later lines whose field `site` is this id. Any thread may call it.
void name_site(const std::string& id, const std::string& name);

/// False if a line of that topic and level would be filtered out: the caller can skip computing its fields.
bool enabled(LogTopic topic, LogLevel level);

void debug(LogTopic topic, std::string_view event, Fields fields = {});
void info(LogTopic topic, std::string_view event, Fields fields = {});
void warn(LogTopic topic, std::string_view event, Fields fields = {});
void error(LogTopic topic, std::string_view event, Fields fields = {});

/// Formats a line without time, level and topic, for tests.
std::string render(std::string_view event, Fields fields, LogFormat format);

}  // namespace log

}  // namespace glia
