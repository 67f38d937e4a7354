// Describes every setting once: path, type, default, bounds, secrecy and meaning (DESIGN.md §2). The reader,
// `config show` and the JSON schema are visitors of this description, so they always agree.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/config/settings.hpp"

namespace glia {

/// The part that is common to all types of settings.
struct SettingKey {
    const char* name;         ///< within its section
    const char* description;  ///< one line, for the JSON schema
    bool required = false;
};

/// How `config show` shows a setting or section.
enum class Shown {
    plain,
    quoted,  ///< a text in quotes, so that an empty one can be seen
    if_set,  ///< only if it, or a setting in it, is set
    flow     ///< a section on one line
};

/// Hides the secret parts of a text; null if it has none.
using Mask = std::string (*)(const std::string&);

/// Visits the settings in order. The reader sets the values; the other visitors only read them. The values
/// are members of the Settings passed to describe(): the defaults until the reader has visited them.
class SettingsVisitor {
  public:
    using Names = std::span<const char* const>;

    virtual ~SettingsVisitor() = default;
    virtual void section(const SettingKey& key, Shown shown, const std::function<void()>& members) = 0;
    virtual void text(const SettingKey& key, std::string& value, Shown shown, Mask mask) = 0;
    virtual void texts(const SettingKey& key, std::vector<std::string>& values, Mask mask) = 0;
    virtual void flag(const SettingKey& key, bool& value) = 0;
    virtual void integer(const SettingKey& key, int& value, int lowest, int highest) = 0;
    virtual void duration(const SettingKey& key, Milliseconds& value, Milliseconds lowest) = 0;
    /// An empty text is none.
    virtual void optional_duration(const SettingKey& key, std::optional<Milliseconds>& value,
                                   Milliseconds lowest) = 0;
    virtual void instant(const SettingKey& key, Instant& value) = 0;
    /// `index`: the chosen element of `names`; none if the setting is not set and has no default.
    virtual void choice(const SettingKey& key, Names names, std::optional<std::size_t>& index) = 0;
    /// Requests per second up to `highest`; `auto` is none.
    virtual void rate(const SettingKey& key, std::optional<double>& value, double highest) = 0;
    /// An empty text is none.
    virtual void address(const SettingKey& key, std::optional<ListenAddress>& value) = 0;
    virtual void tiers(const SettingKey& key, std::vector<TierSettings>& value) = 0;
    /// A section for each site, under its id.
    virtual void site_names(const SettingKey& key, std::map<std::string, SiteNameSettings>& value) = 0;
};

/// Returns the defaults, including those that Settings{} lacks: revisit tiers and the admin address.
Settings default_settings();

void describe(Settings& settings, SettingsVisitor& visitor);
void describe(TierSettings& tier, SettingsVisitor& visitor);
void describe(SiteNameSettings& site, SettingsVisitor& visitor);

}  // namespace glia
