// Applies the privacy levels to personal data of visitors and operators before it leaves the parser
// (DESIGN.md §2, privacy): keep, replace by a pseudonym, or drop.
#pragma once

#include <string>
#include <string_view>

#include "daemon/config/privacy_levels.hpp"
#include "sinks/directory.hpp"
#include "sinks/fields/field.hpp"
#include "sinks/records.hpp"
#include "sinks/state/erasure_store.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia {

/// Applies the levels. Immutable: any thread.
class Privacy {
  public:
    /// Keeps everything.
    Privacy() = default;
    /// `key`: the HMAC key, needed if any level is `hash`.
    Privacy(PrivacyLevels levels, std::string key);

    /// True if all data of engagements is kept. Ignores the levels of operators' data.
    bool keep_all() const { return levels_.keep_all(); }
    const PrivacyLevels& levels() const { return levels_; }

    void apply(Engagement& engagement) const;
    void apply(ChatMessage& message) const;
    void apply(OperatorEntry& entry) const;

    /// Applies the levels to the raw JSON of a record that was rejected or is shown as received. A text that
    /// is not a JSON object becomes `null`, unless keep_all() is true.
    std::string apply_to_json(std::string_view json) const;

    /// Applies the levels to the raw JSON of an operator.
    std::string apply_to_operator(std::string_view json) const;

    /// Which examples of undocumented members the levels do not allow to be stored.
    ForbiddenExamples forbidden_examples() const;
    /// Which members of stored operators the levels allow.
    OperatorPrivacy operator_privacy() const;

    /// Returns the pseudonym of a value for the level `hash`: `hmac:` and 64 hexadecimal digits.
    std::string pseudonym(std::string_view value) const;
    /// Returns a visitor's id as it is stored; none if the level is `drop`.
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
    OptionalText message_extra(OptionalText object, std::string_view sender_type) const;
    PrivacyLevel level_of_operator_member(std::string_view name) const;
    OptionalText operator_members(std::string_view object) const;
    OptionalText visitor_href(std::string_view href, std::string_view id) const;
    void apply(PrivacyLevel level, RecordText& text) const;
    void apply_to_extras(Engagement& engagement) const;

    PrivacyLevels levels_;
    std::string key_;
};

}  // namespace glia
