#include "daemon/ops/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>

#include "daemon/parse/canonical_json.hpp"
#include "sinks/json_text.hpp"

namespace glia::log {
namespace {

std::atomic<LogFormat> format_now{LogFormat::text};

bool is_plain(std::string_view text) {
    return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
        return c == ' ' || c == '"' || c == '=' || static_cast<unsigned char>(c) < 0x20;
    });
}

void write(spdlog::level::level_enum level, std::string_view event, Fields fields) {
    if (!spdlog::should_log(level)) return;
    spdlog::log(level, "{}", render(event, fields, format_now));
}

}  // namespace

std::string render(std::string_view event, Fields fields, LogFormat format) {
    if (format == LogFormat::json) {
        std::string line = "\"event\":" + json_quote(event);
        for (const Field& field : fields)
            line += "," + json_quote(field.name) + ":" + json_quote(repair_utf8(field.value));
        return line;
    }
    std::string line(event);
    for (const Field& field : fields) {
        line += " " + std::string(field.name) + "=" +
                (is_plain(field.value) ? field.value : json_quote(field.value));
    }
    return line;
}

void start(LogLevel level, LogFormat format) {
    auto logger =
        std::make_shared<spdlog::logger>("glia-sync", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    format_now = format;
    logger->set_pattern(format == LogFormat::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                                  : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                        spdlog::pattern_time_type::utc);
    static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                            spdlog::level::warn, spdlog::level::err};
    logger->set_level(kLevels[static_cast<int>(level)]);
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

void debug(std::string_view event, Fields fields) {
    write(spdlog::level::debug, event, fields);
}
void info(std::string_view event, Fields fields) {
    write(spdlog::level::info, event, fields);
}
void warn(std::string_view event, Fields fields) {
    write(spdlog::level::warn, event, fields);
}
void error(std::string_view event, Fields fields) {
    write(spdlog::level::err, event, fields);
}

}  // namespace glia::log
