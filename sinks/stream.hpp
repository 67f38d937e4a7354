// Streams: kinds of records that are read on their own, each by its schedule (DESIGN.md §4, "Streams").
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace glia {

/// Only engagements are read so far; the state of the others has its place.
enum class Stream { engagements, operators, sites, queues, statistics };

/// As in sync_state.stream, `status --json` and the label of metrics.
inline constexpr std::array<const char*, 5> kStreamNames{"engagements", "operators", "sites", "queues",
                                                         "statistics"};
inline const char* name_of(Stream stream) {
    return kStreamNames.at(static_cast<std::size_t>(stream));
}

/// What state is keyed by.
struct SiteKey {
    std::string site_id;
    Stream stream = Stream::engagements;
    bool operator==(const SiteKey&) const = default;
};

}  // namespace glia
