#include <algorithm>
#include <charconv>

#include "daemon/config/checks.hpp"
#include "daemon/config/description.hpp"
#include "daemon/config/text_file.hpp"
#include "sinks/nearest.hpp"
#include "sinks/time_zone_names.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

/// Parses the whole text as a number from `lowest` to `highest`.
template <typename Number>
std::optional<Number> parse_number(const std::string& text, Number lowest, Number highest) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good =
        error == std::errc{} && end == text.data() + text.size() && number >= lowest && number <= highest;
    return good ? std::optional(number) : std::nullopt;
}

/// Returns yaml-cpp's message without the quoted text after its colon, which may be a secret.
std::string yaml_error_text(const YAML::Exception& error) {
    return "not valid YAML: " + error.msg.substr(0, error.msg.find_first_of(":\"")) +
           "; a value with one of : # & * ! | > ' \" % @ ` in it must be quoted";
}

/// Reads the settings by their description. A missing or invalid value leaves the default. Each invalid value
/// adds a complaint.
class SettingsReader final : public SettingsVisitor {
  public:
    SettingsReader(Section& root, Settings& settings, Environment environment)
        : here_(&root), settings_(settings), environment_(environment) {}

    void section(const SettingKey& key, Shown, const std::function<void()>& members) override {
        Section inner = here_->section(key.name);
        read_within(inner, members);
    }
    void text(const SettingKey& key, std::string& value, Shown, Mask) override {
        if (const auto text = here_->scalar(key.name)) value = *text;
    }
    void texts(const SettingKey& key, std::vector<std::string>& values, Mask) override {
        if (auto texts = here_->scalars(key.name)) values = std::move(*texts);
    }
    void flag(const SettingKey& key, bool& value) override {
        const auto text = here_->scalar(key.name);
        if (!text) return;
        if (*text != "true" && *text != "false") return here_->complain(key.name, "must be true or false");
        value = *text == "true";
    }
    void integer(const SettingKey& key, int& value, int lowest, int highest) override {
        const auto text = here_->scalar(key.name);
        if (!text) return;
        const auto number = parse_number(*text, lowest, highest);
        if (!number)
            return here_->complain(key.name, "must be a whole number from " + std::to_string(lowest) +
                                                 " to " + std::to_string(highest));
        value = *number;
    }
    void duration(const SettingKey& key, Milliseconds& value, Milliseconds lowest) override {
        const auto text = here_->scalar(key.name);
        if (!text) return;
        const auto parsed = parse_duration(*text);
        if (!parsed || *parsed < lowest)
            return here_->complain(
                key.name, "must be a duration such as 500ms, 30s, 10m, 24h or 14d" +
                              (lowest.count() > 0 ? ", at least " + to_text(lowest) : std::string()));
        value = *parsed;
    }
    void optional_duration(const SettingKey& key, std::optional<Milliseconds>& value,
                           Milliseconds lowest) override {
        if (const auto text = here_->scalar(key.name); !text || text->empty()) return;
        duration(key, value.emplace(), lowest);
    }
    void instant(const SettingKey& key, Instant& value) override {
        const auto text = here_->scalar(key.name);
        if (!text) return;
        const auto parsed = parse_timestamp(*text);
        if (!parsed) return here_->complain(key.name, "must be a time such as 2024-01-01T00:00:00Z");
        value = *parsed;
    }
    void choice(const SettingKey& key, Names names, std::optional<std::size_t>& index) override {
        const auto text = here_->scalar(key.name);
        if (!text) return;
        const auto found = std::find(names.begin(), names.end(), *text);
        if (found != names.end()) {
            index = static_cast<std::size_t>(found - names.begin());
            return;
        }
        std::string list;
        for (const char* name : names) list += (list.empty() ? "" : ", ") + std::string(name);
        const auto hint = nearest(*text, {names.begin(), names.end()});
        here_->complain(key.name,
                        "unknown value; one of: " + list + (hint ? "; did you mean " + *hint + "?" : ""));
    }
    void rate(const SettingKey& key, std::optional<double>& value, double highest) override {
        const auto text = here_->scalar(key.name);
        if (!text || *text == "auto") return;
        value = parse_number(*text, 0.0, highest);
        if (!value) here_->complain(key.name, "must be auto, 0 (none) or requests per second");
    }
    void address(const SettingKey& key, std::optional<ListenAddress>& value) override {
        const auto text = here_->scalar(key.name);
        if (!text) return;
        value = parse_listen(*text);
        if (!text->empty() && !value)
            here_->complain(
                key.name,
                "must be an address and a port such as 127.0.0.1:9464 or [::1]:9464, or \"\" for none");
    }
    void tiers(const SettingKey& key, std::vector<TierSettings>& values) override {
        auto entries = here_->sections(key.name);
        if (!entries) return;
        values.clear();
        for (Section& entry : *entries) {
            TierSettings& tier = values.emplace_back();
            read_within(entry, [&] { describe(tier, *this); });
        }
    }

    void site_names(const SettingKey& key, std::map<std::string, SiteNameSettings>& values) override {
        Section sites = here_->section(key.name);
        values.clear();
        for (const std::string& id : sites.keys()) {
            Section entry = sites.section(id);
            read_within(entry, [&] { describe(values[id], *this); });
            if (const std::string& zone = values[id].time_zone; !zone.empty() && !iana_time_zone(zone))
                entry.complain("time_zone", "is not known; write the IANA name, such as Europe/Tallinn");
        }
        sites.finish();
    }

  private:
    void read_within(Section& section, const std::function<void()>& members) {
        Section* const outer = std::exchange(here_, &section);
        members();
        check_section(section, settings_, environment_);
        section.finish();
        here_ = outer;
    }

    Section* here_;
    Settings& settings_;
    Environment environment_;
};

}  // namespace

Settings load_settings(const std::string& file, Environment environment) {
    return parse_settings(read_text_file(file, "name the configuration with -c FILE"), file, environment);
}

Settings parse_settings(const std::string& text, const std::string& file, Environment environment) {
    Complaints complaints(file);
    Settings settings = default_settings();
    try {
        const YAML::Node document = load_document(text, complaints);
        if (document.IsNull() && complaints.lines().empty())
            throw ConfigError({file + ": holds no settings; config/glia-sync.yaml is an example"});
        Section root(document, "", complaints, environment);
        SettingsReader reader(root, settings, environment);
        describe(settings, reader);
        root.finish();
    } catch (const YAML::Exception& error) {
        complaints.add(error.mark, yaml_error_text(error));
    }
    if (!complaints.lines().empty()) throw ConfigError(complaints.lines());
    return settings;
}

}  // namespace glia
