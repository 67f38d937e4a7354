// Streams: types of records, each read independently on its own schedule (DESIGN.md §4, "Streams").
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace glia {

enum class Stream { engagements, operators, sites, queues, statistics };

/// The names in sync_state.stream, `status --json` and the metrics' label.
inline constexpr std::array<const char*, 5> kStreamNames{"engagements", "operators", "sites", "queues",
                                                         "statistics"};
inline const char* name_of(Stream stream) {
    return kStreamNames.at(static_cast<std::size_t>(stream));
}

/// The key of stored state.
struct SiteKey {
    std::string site_id;
    Stream stream = Stream::engagements;
    bool operator==(const SiteKey&) const = default;
};

}  // namespace glia
