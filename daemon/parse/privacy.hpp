// What of a visitor or an operator may leave the parser (DESIGN.md §2, privacy): kept, replaced by a
// pseudonym, or left out.
#pragma once

#include <string>
#include <string_view>

#include "daemon/config/privacy_levels.hpp"
#include "sinks/directory.hpp"
#include "sinks/fields/field.hpp"
#include "sinks/records.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia {

/// Applies the levels. Immutable: any thread.
class Privacy {
  public:
    /// Keeps everything.
    Privacy() = default;
    /// `key` is the HMAC's; needed if any level is `hash`.
    Privacy(PrivacyLevels levels, std::string key);

    bool keep_all() const { return levels_.keep_all(); }
    const PrivacyLevels& levels() const { return levels_; }

    void apply(Engagement& engagement) const;
    void apply(ChatMessage& message) const;
    void apply(OperatorEntry& entry) const;

    /// The text of a record that could not be loaded, or is shown as it came. What is no JSON
    /// object cannot be looked into: it becomes `null`, unless everything is kept.
    std::string apply_to_json(std::string_view json) const;

    /// The examples of undocumented members that the levels do not keep.
    ForbiddenExamples forbidden_examples() const;

    /// How a value appears where its level is `hash`: `hmac:` and 64 hexadecimal digits.
    std::string pseudonym(std::string_view value) const;
    /// How a visitor's id is stored; none: not at all.
    OptionalText stored_visitor_id(std::string_view id) const;

  private:
    PrivacyLevel level_of(PersonalData data) const;
    OptionalText value(PrivacyLevel level, OptionalText text) const;
    OptionalText json(PrivacyLevel level, OptionalText text) const;
    std::string urls(const std::string& list) const;
    std::string hashed_json(const std::string& text) const;
    bool member(std::string_view path, std::string_view name, std::string& text,
                std::string_view visitor_id) const;
    OptionalText extra(std::string_view base, const std::string& object) const;
    OptionalText message_extra(OptionalText object, bool employed) const;
    OptionalText visitor_href(std::string_view href, std::string_view id) const;
    void apply(PrivacyLevel level, RecordText& text) const;
    void apply_to_extras(Engagement& engagement) const;

    PrivacyLevels levels_;
    std::string key_;
};

}  // namespace glia
