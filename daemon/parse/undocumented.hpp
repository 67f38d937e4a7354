// What a record holds beyond its documentation is kept too (DESIGN.md §3.5), as canonical JSON: members that
// the documentation does not know, and documented ones whose values are not of their documented types.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parse/canonical_json.hpp"

namespace glia {

/// How a text is read.
enum class Reading {
    strict,   ///< as received; whatever jsonb cannot hold throws BadRecord
    repaired  ///< after repair_json(); a value that is nested too deep is kept as text
};

/// Those of one object.
class Undocumented {
  public:
    explicit Undocumented(Reading reading) : reading_(reading) {}

    void add(std::string_view name, simdjson::ondemand::value& value);
    /// The same of a member that the documentation knows.
    [[gnu::cold]] void add_documented(std::string_view name, simdjson::ondemand::value& value);
    /// The same of a string that is already read.
    [[gnu::cold]] void add_documented(std::string_view name, std::string_view text);

    bool empty() const { return members_.empty(); }
    /// True if a documented member is among them.
    bool holds_documented() const { return holds_documented_; }
    /// Throws BadRecord if the object, which has been read, has a name twice: the last counts, but an earlier
    /// one may have left something here. The repaired text has none twice.
    [[gnu::cold]] void expect_distinct(simdjson::ondemand::object& object) const;
    /// As one canonical object.
    std::string object();
    /// As a documented member of another object, if there is anything.
    void put_into(Undocumented& other, std::string_view name);

  private:
    friend class UndocumentedList;

    Reading reading_;
    bool holds_documented_ = false;
    std::vector<JsonMember> members_{};
};

/// Those of the elements of a list: kept as a list with one entry for each element, if any element has
/// something. An element without anything is a `placeholder`.
class UndocumentedList {
  public:
    explicit UndocumentedList(Reading reading, std::string_view placeholder = "{}")
        : reading_(reading), placeholder_(placeholder) {}

    /// An element of its documented type.
    void add(Undocumented& entry) {
        if (entry.empty()) {
            skip();
        } else {
            append(entry.object());
        }
    }
    void skip() {
        if (list_.empty()) {
            ++bare_;
        } else {
            append(std::string(placeholder_));
        }
    }
    /// An element that is not: kept as it was sent.
    void add_element(simdjson::ondemand::value& value);
    void put_into(Undocumented& other, std::string_view name);

  private:
    void append(const std::string& entry);

    Reading reading_;
    std::string_view placeholder_;
    std::size_t bare_ = 0;  // elements so far, of which none had anything
    std::string list_{};
};

}  // namespace glia
