#include "daemon/base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>

#include "daemon/base/printable.hpp"
#include "daemon/base/systemd.hpp"
#include "daemon/base/utf8.hpp"
#include "sinks/json_text.hpp"

namespace glia::log {
namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";

std::atomic<LogFormat> format_now{LogFormat::text};
std::array<std::atomic<LogLevel>, kLogTopics.size()> levels{};
std::atomic<bool> to_journal{false};

bool is_plain(std::string_view text) {
    return !text.empty() && text.find_first_of(" \"=") == std::string_view::npos && printable(text) == text;
}

/// As a JSON string that no reader of the log, a terminal included, takes for anything else.
std::string quote(std::string_view text) {
    return printable_json(json_quote(repair_utf8(text)));
}

/// Never destroyed: threads may log until the process ends. One for the life of the process: a reload changes
/// its pattern while other threads log.
spdlog::logger& logger() {
    static auto& made = []() -> spdlog::logger& {
        auto& fresh = *new spdlog::logger("glia-sync", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        fresh.set_pattern(kTextPattern, spdlog::pattern_time_type::utc);
        return fresh;
    }();
    return made;
}

/// syslog's priorities, which the journal shares.
int priority(LogLevel level) {
    static constexpr int kPriorities[] = {7, 6, 4, 3};
    return kPriorities[static_cast<int>(level)];
}

std::string journal_name(std::string_view name) {
    std::string upper = "GLIA_";
    for (const char c : name) upper.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    return upper;
}

bool write_to_journal(LogTopic topic, LogLevel level, std::string_view event, Fields fields) {
    std::vector<std::string> entry{"MESSAGE=" + render(event, fields, LogFormat::text),
                                   "PRIORITY=" + std::to_string(priority(level)),
                                   "SYSLOG_IDENTIFIER=glia-sync",
                                   "GLIA_TOPIC=" + std::string(kLogTopics[static_cast<std::size_t>(topic)]),
                                   "GLIA_EVENT=" + std::string(event)};
    for (const Field& field : fields)
        entry.push_back(journal_name(field.name) + "=" + printable(field.value));
    return systemd::send_to_journal(entry);
}

void write(LogTopic topic, LogLevel level, std::string_view event, Fields fields) {
    static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                            spdlog::level::warn, spdlog::level::err};
    if (!enabled(topic, level)) return;
    if (to_journal && write_to_journal(topic, level, event, fields)) return;
    const std::string_view name = kLogTopics[static_cast<std::size_t>(topic)];
    const auto format = format_now.load();
    if (format == LogFormat::json) {
        logger().log(kLevels[static_cast<int>(level)], "\"topic\":\"{}\",{}", name,
                     render(event, fields, format));
    } else {
        logger().log(kLevels[static_cast<int>(level)], "{:<8} {}", name, render(event, fields, format));
    }
}

}  // namespace

std::string render(std::string_view event, Fields fields, LogFormat format) {
    if (format == LogFormat::json) {
        std::string line = "\"event\":" + json_quote(event);
        for (const Field& field : fields) line += "," + json_quote(field.name) + ":" + quote(field.value);
        return line;
    }
    std::string line(event);
    for (const Field& field : fields) {
        line +=
            " " + std::string(field.name) + "=" + (is_plain(field.value) ? field.value : quote(field.value));
    }
    return line;
}

void start(const LogSettings& settings) {
    format_now = settings.format;
    for (std::size_t i = 0; i < levels.size(); ++i) {
        levels[i] = settings.topics[i].value_or(settings.level);
    }
    to_journal = systemd::logs_to_journal();
    logger().set_pattern(settings.format == LogFormat::json
                             ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                             : kTextPattern,
                         spdlog::pattern_time_type::utc);
    logger().set_level(spdlog::level::debug);  // what is written at all is decided by topic
    logger().flush_on(spdlog::level::debug);
}

bool enabled(LogTopic topic, LogLevel level) {
    return level >= levels[static_cast<std::size_t>(topic)].load();
}

void debug(LogTopic topic, std::string_view event, Fields fields) {
    write(topic, LogLevel::debug, event, fields);
}
void info(LogTopic topic, std::string_view event, Fields fields) {
    write(topic, LogLevel::info, event, fields);
}
void warn(LogTopic topic, std::string_view event, Fields fields) {
    write(topic, LogLevel::warning, event, fields);
}
void error(LogTopic topic, std::string_view event, Fields fields) {
    write(topic, LogLevel::error, event, fields);
}

}  // namespace glia::log
