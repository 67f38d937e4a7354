// Finds tombstones by the digests of engagements, visitors and operators.
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
class TombstoneLookup {
  public:
    void add(const Engagement& engagement);
    /// Adds also every text of the payload that may be the id of its visitor or operator (`kind`), because a
    /// malformed record may hide the member that has the id.
    void add(const RejectedRecord& record, const char* kind);
    void add_operator(const std::string& id);
    /// Adds a record by digests only: of the engagement's id, and of every text that may be the id of its
    /// visitor or operator (`kind`).
    void add(const std::optional<ContentHash>& engagement, const char* kind,
             const std::vector<ContentHash>& persons);
    /// Returns the numbers of the forgotten records. Blocks `forget` until the transaction ends, so that the
    /// result stays valid.
    std::set<std::size_t> forgotten(Transaction& tx) const;

  private:
    void add(const char* kind, const ContentHash& digest);

    std::vector<std::string> kinds_, digests_;
    std::vector<std::size_t> numbers_;
    std::size_t count_ = 0;
};

/// True if there is any tombstone. Blocks `forget` until the transaction ends, so that the result stays
/// valid.
bool any_tombstone(Transaction& tx);

}  // namespace glia::postgres
