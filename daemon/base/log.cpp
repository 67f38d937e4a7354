#include "daemon/base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <span>

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

/// Names of sites by id. Never destroyed, like the logger: threads may log until the process ends.
class SiteNames {
  public:
    static SiteNames& instance() {
        static auto& made = *new SiteNames;
        return made;
    }
    void put(const std::string& id, const std::string& name) {
        const std::lock_guard lock(mutex_);
        names_[id] = name;
    }
    std::string find(const std::string& id) const {
        const std::lock_guard lock(mutex_);
        const auto found = names_.find(id);
        return found == names_.end() ? "" : found->second;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::string> names_{};
};

/// Inserts the field `site_name` after each `site` whose name is known.
std::vector<Field> with_site_names(Fields fields) {
    std::vector<Field> named;
    for (const Field& field : fields) {
        named.push_back(field);
        if (field.name != "site") continue;
        std::string name = SiteNames::instance().find(field.value);
        if (!name.empty()) named.emplace_back("site_name", std::move(name));
    }
    return named;
}

bool is_plain(std::string_view text) {
    return !text.empty() && text.find_first_of(" \"=") == std::string_view::npos && printable(text) == text;
}

/// Quotes as a JSON string, with control characters escaped, so that a value cannot forge a line or control a
/// terminal.
std::string quote(std::string_view text) {
    return printable_json(json_quote(repair_utf8(text)));
}

/// The only logger. Never destroyed: threads may log until the process ends. Never replaced: other threads
/// may log during a reload, which therefore only changes the pattern.
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

std::string render_fields(std::string_view event, std::span<const Field> fields, LogFormat format) {
    if (format == LogFormat::json) {
        boost::json::object members{{"event", event}};
        for (const Field& field : fields) members.emplace(field.name, field.value);
        const std::string object = printable_json(boost::json::serialize(members));
        return object.substr(1, object.size() - 2);  // the pattern adds the braces
    }
    std::string line(event);
    for (const Field& field : fields) {
        line +=
            " " + std::string(field.name) + "=" + (is_plain(field.value) ? field.value : quote(field.value));
    }
    return line;
}

bool write_to_journal(LogTopic topic, LogLevel level, std::string_view event, std::span<const Field> fields) {
    std::vector<std::string> entry{"MESSAGE=" + render_fields(event, fields, LogFormat::text),
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
    const std::vector<Field> named = with_site_names(fields);
    if (to_journal && write_to_journal(topic, level, event, named)) return;
    const std::string_view name = kLogTopics[static_cast<std::size_t>(topic)];
    const auto format = format_now.load();
    if (format == LogFormat::json) {
        logger().log(kLevels[static_cast<int>(level)], "\"topic\":\"{}\",{}", name,
                     render_fields(event, named, format));
    } else {
        logger().log(kLevels[static_cast<int>(level)], "{:<8} {}", name, render_fields(event, named, format));
    }
}

}  // namespace

std::string render(std::string_view event, Fields fields, LogFormat format) {
    return render_fields(event, fields, format);
}

void name_site(const std::string& id, const std::string& name) {
    SiteNames::instance().put(id, name);
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
    logger().set_level(spdlog::level::debug);  // enabled() filters by topic
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
