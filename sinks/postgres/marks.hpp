// By what tombstones know engagements, visitors and operators.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sinks/content_hash.hpp"
#include "sinks/postgres/connection.hpp"
#include "sinks/records.hpp"

namespace glia::postgres {

/// Records that may have been forgotten, numbered in the order in which they are added.
class Marks {
  public:
    void add(const Engagement& engagement);
    void add(const RejectedRecord& record);
    void add_operator(const std::string& id);
    /// One of which only digests are known: of the engagement's id, and of whatever its visitor's id may be.
    void add(const std::optional<ContentHash>& engagement, const std::vector<ContentHash>& visitors);
    /// The numbers of those that were. Nothing more is forgotten until the transaction ends.
    std::set<std::size_t> forgotten(Transaction& tx) const;

  private:
    void add(const char* kind, const ContentHash& mark);

    std::vector<std::string> kinds_, marks_;
    std::vector<std::size_t> owners_;
    std::size_t count_ = 0;
};

/// Whether there are tombstones at all. None is added before the transaction ends.
bool any_tombstone(Transaction& tx);

}  // namespace glia::postgres
