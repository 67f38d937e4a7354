#include <yaml-cpp/yaml.h>

#include "daemon/config/description.hpp"
#include "daemon/config/settings.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

/// Writes the settings as YAML.
class SettingsWriter final : public SettingsVisitor {
  public:
    SettingsWriter() { out_ << YAML::BeginMap; }
    std::string finish() {
        out_ << YAML::EndMap;
        return std::string(out_.c_str()) + "\n";
    }

    void section(const SettingKey& key, Shown shown, const std::function<void()>& members) override {
        unopened_.push_back({key.name, shown});
        if (shown != Shown::if_set) open_sections();
        members();
        if (unopened_.empty()) {
            out_ << YAML::EndMap;
        } else {
            unopened_.pop_back();
        }
    }
    void text(const SettingKey& key, std::string& value, Shown shown, Mask mask) override {
        if (shown == Shown::if_set && value.empty()) return;
        show(key, mask ? mask(value) : value, shown);
    }
    void texts(const SettingKey& key, std::vector<std::string>& values, Mask mask) override {
        name(key) << YAML::Flow << YAML::BeginSeq;
        for (const std::string& value : values) out_ << YAML::DoubleQuoted << (mask ? mask(value) : value);
        out_ << YAML::EndSeq;
    }
    void flag(const SettingKey& key, bool& value) override { name(key) << value; }
    void integer(const SettingKey& key, int& value, int, int) override { name(key) << value; }
    void duration(const SettingKey& key, Milliseconds& value, Milliseconds) override {
        show(key, to_text(value));
    }
    void optional_duration(const SettingKey& key, std::optional<Milliseconds>& value, Milliseconds) override {
        show(key, value ? to_text(*value) : "", Shown::quoted);
    }
    void instant(const SettingKey& key, Instant& value) override { show(key, to_iso8601(value)); }
    void choice(const SettingKey& key, Names names, std::optional<std::size_t>& index) override {
        if (index) show(key, names[*index]);
    }
    void rate(const SettingKey& key, std::optional<double>& value, double) override {
        if (value) {
            name(key) << *value;
        } else {
            show(key, "auto");
        }
    }
    void address(const SettingKey& key, std::optional<ListenAddress>& value) override {
        show(key, value ? to_text(*value) : "", Shown::quoted);
    }
    void tiers(const SettingKey& key, std::vector<TierSettings>& values) override {
        name(key) << YAML::BeginSeq;
        for (TierSettings& tier : values) {
            out_ << YAML::Flow << YAML::BeginMap;
            describe(tier, *this);
            out_ << YAML::EndMap;
        }
        out_ << YAML::EndSeq;
    }

    void site_names(const SettingKey& key, std::map<std::string, SiteNameSettings>& values) override {
        name(key) << YAML::BeginMap;
        for (auto& [id, site] : values) {
            out_ << YAML::Key << id << YAML::Value << YAML::Flow << YAML::BeginMap;
            describe(site, *this);
            out_ << YAML::EndMap;
        }
        out_ << YAML::EndMap;
    }

  private:
    struct Unopened {
        const char* name;
        Shown shown;
    };

    void open_sections() {
        for (const Unopened& section : unopened_) {
            out_ << YAML::Key << section.name << YAML::Value;
            if (section.shown == Shown::flow) out_ << YAML::Flow;
            out_ << YAML::BeginMap;
        }
        unopened_.clear();
    }
    YAML::Emitter& name(const SettingKey& key) {
        open_sections();
        return out_ << YAML::Key << key.name << YAML::Value;
    }
    void show(const SettingKey& key, const std::string& value, Shown shown = Shown::plain) {
        name(key);
        if (shown == Shown::quoted) out_ << YAML::DoubleQuoted;
        out_ << value;
    }

    YAML::Emitter out_;
    std::vector<Unopened> unopened_;  // enclosing sections that are not written yet
};

}  // namespace

std::string show_settings(const Settings& settings) {
    Settings shown = settings;  // a copy, because describe() takes mutable settings
    SettingsWriter writer;
    describe(shown, writer);
    return writer.finish();
}

}  // namespace glia
