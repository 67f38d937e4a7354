#include "daemon/sync/unlisted.hpp"

#include <algorithm>

#include "daemon/sync/verdict.hpp"

namespace glia {
namespace {

constexpr std::chrono::hours kRememberedAtFirst{1};
constexpr std::chrono::hours kRemembered{24};
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

void PresenceMemory::note_present(const std::string& id, Milliseconds now) {
    if (present_.size() >= kMostRemembered) present_.clear();
    Present& present = present_[id];
    present.remembered = std::clamp<Milliseconds>(2 * present.remembered, kRememberedAtFirst, kRemembered);
    present.until = now + present.remembered;
}

bool PresenceMemory::is_known_present(const std::string& id, Milliseconds now) const {
    const auto known = present_.find(id);
    return known != present_.end() && now < known->second.until;
}

bool PresenceMemory::should_warn(const std::string& site, Milliseconds now) {
    const auto [last, is_first] = warned_.try_emplace(site, now);
    if (!is_first && now - last->second < kRemembered) return false;
    last->second = now;
    return true;
}

bool may_lack_stored(const CommitCounts& counts) {
    const std::int64_t stored_before = counts.changed + counts.unchanged + counts.stale;
    return stored_before > counts.newly_listed || stored_before + counts.inserted == 0;
}

std::optional<StoredRange> Unlisted::next_range() const {
    // If more than `plausible` are stored, the listing is implausible: the ids need not be compared.
    const auto listed = static_cast<std::int64_t>(listing_.listed->size());
    const std::int64_t plausible = most_plausibly_stored(listed);
    if (is_read_ || stored_ > plausible) return std::nullopt;
    return StoredRange{listing_.from, listing_.to, after_, after_id_,
                       std::min(kMostRead, plausible + 1 - stored_)};
}

void Unlisted::on_stored(const StoredIds& stored) {
    is_read_ = stored.is_last;
    after_ = stored.after;
    after_id_ = stored.after_id;
    for (const std::string& id : stored.ids) {
        ++stored_;
        if (listing_.listed->contains(id)) continue;
        ++unlisted_;
        if (unknown_.size() < kMostAsked && !memory_.is_known_present(id, now_)) unknown_.push_back(id);
    }
}

bool Unlisted::is_plausible() const {
    return is_plausibly_gone(unlisted_, stored_);
}

std::vector<std::string> Unlisted::ids_to_request() const {
    return is_plausible() ? unknown_ : std::vector<std::string>{};
}

bool ListingBatches::add(const std::string& site, CompleteListing listing) {
    const std::size_t ids = listing.listed->size();
    if (ids_ + ids > kMostIds) return false;
    ids_ += ids;
    waiting_[site].push_back(std::move(listing));
    return true;
}

std::optional<ListingBatch> ListingBatches::next(bool all) {
    for (auto site = waiting_.begin(); site != waiting_.end(); ++site) {
        auto& listings = site->second;
        if (!all && listings.size() < kMostListings) continue;
        ListingBatch batch{site->first, {}};
        const std::size_t count = std::min(listings.size(), kMostListings);
        for (std::size_t i = 0; i < count; ++i) {
            ids_ -= listings[i].listed->size();
            batch.listings.push_back(std::move(listings[i]));
        }
        listings.erase(listings.begin(), listings.begin() + static_cast<std::ptrdiff_t>(count));
        if (listings.empty()) waiting_.erase(site);
        return batch;
    }
    return std::nullopt;
}

}  // namespace glia
