// Members that the documentation does not know are kept too (DESIGN.md §3.5), as canonical JSON beside what
// they came with.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/parse/canonical_json.hpp"

namespace glia {

/// Those of one object.
class Undocumented {
  public:
    /// Throws BadRecord for what cannot be kept.
    void add(std::string_view name, simdjson::ondemand::value& value);
    bool empty() const { return members_.empty(); }
    /// As one canonical object.
    std::string object();
    /// As a member of another object, if there is anything.
    void put_into(Undocumented& other, std::string_view name) {
        if (!empty()) other.members_.emplace_back(name, object());
    }

  private:
    friend class UndocumentedList;

    std::vector<JsonMember> members_;
};

/// Those of the entries of a list: kept as a list with one object an entry, if any entry has something.
class UndocumentedList {
  public:
    void add(Undocumented& entry) {
        if (entry.empty() && list_.empty()) {
            ++bare_;
        } else {
            append(entry);
        }
    }
    void put_into(Undocumented& other, std::string_view name) {
        if (!list_.empty()) other.members_.emplace_back(name, list_ + "]");
    }

  private:
    void append(Undocumented& entry);

    std::size_t bare_ = 0;  // entries so far, of which none had anything
    std::string list_;
};

}  // namespace glia
