// The ids in a listing, to find stored engagements that it does not show (DESIGN.md §3.9).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace glia {

/// A set of ids, stored as 64-bit digests. Among a hundred million ids, a collision has a probability of 0.03
/// %. The colliding id counts as listed, which does no harm.
class ListedIds {
  public:
    /// Maximum ids kept: 32 MB.
    static constexpr std::size_t kMost = 4'000'000;

    void add(std::string_view id) {
        if (digests_.size() < kMost) digests_.push_back(digest(id));
        sorted_ = false;
    }
    std::size_t size() const { return digests_.size(); }  ///< an id that was listed twice counts twice
    void clear() { digests_.clear(); }
    /// False if ids may be missing: then contains() may return false for a listed id.
    bool is_complete() const { return digests_.size() < kMost; }
    bool contains(std::string_view id) {
        if (!sorted_) std::sort(digests_.begin(), digests_.end());
        sorted_ = true;
        return std::binary_search(digests_.begin(), digests_.end(), digest(id));
    }

    static std::uint64_t digest(std::string_view id) { return std::hash<std::string_view>{}(id); }

  private:
    std::vector<std::uint64_t> digests_;
    bool sorted_ = true;
};

}  // namespace glia
