// Collects the members of a record that have no column (DESIGN.md §3.5) as canonical JSON: undocumented
// members, and documented members whose values are not of the documented type.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parse/canonical_json.hpp"

namespace glia {

/// How a text is read.
enum class ParseMode {
    strict,   ///< as received; throws BadRecord for a value that jsonb cannot hold
    repaired  ///< after repair_json(); a value that is nested too deep becomes a string
};

/// The extra members of one object.
class ExtraMembers {
  public:
    explicit ExtraMembers(ParseMode mode) : mode_(mode) {}

    void add(std::string_view name, simdjson::ondemand::value& value);
    /// Adds a documented member whose value is not of its documented type.
    [[gnu::cold]] void add_documented(std::string_view name, simdjson::ondemand::value& value);
    /// The same for a string that was already read.
    [[gnu::cold]] void add_documented(std::string_view name, std::string_view text);

    bool empty() const { return members_.empty(); }
    /// True if a documented member is among them.
    bool holds_documented() const { return holds_documented_; }
    /// Throws BadRecord if the object has duplicate names. The last of them is used, but an earlier one may
    /// have been added here. Call it after the object was read. The slow path then parses the canonical text,
    /// which has no duplicates.
    [[gnu::cold]] void expect_distinct(simdjson::ondemand::object& object) const;
    /// Returns the members as one canonical object.
    std::string object();
    /// Adds the members, if there are any, to `other` as its documented member `name`.
    void put_into(ExtraMembers& other, std::string_view name);

  private:
    friend class ExtraMembersList;

    ParseMode mode_;
    bool holds_documented_ = false;
    std::vector<JsonMember> members_{};
};

/// The extra members of a list's elements: a list with one entry for each element; nothing if no element has
/// any. An element without extra members becomes a `placeholder`.
class ExtraMembersList {
  public:
    explicit ExtraMembersList(ParseMode mode, std::string_view placeholder = "{}")
        : mode_(mode), placeholder_(placeholder) {}

    /// Adds an element of the documented type.
    void add(ExtraMembers& entry) {
        if (entry.empty()) {
            skip();
        } else {
            append(entry.object());
        }
    }
    void skip() {
        if (list_.empty()) {
            ++leading_empty_;
        } else {
            append(std::string(placeholder_));
        }
    }
    /// Adds an element of another type.
    void add_element(simdjson::ondemand::value& value);
    void put_into(ExtraMembers& other, std::string_view name);

  private:
    void append(const std::string& entry);

    ParseMode mode_;
    std::string_view placeholder_;
    std::size_t leading_empty_ = 0;  // leading elements without extra members
    std::string list_{};
};

}  // namespace glia
