// Records of operators, sites and queues from their listings (spec: directory-and-statistics). Every member
// except `id` may be missing; missing and null are the same.
#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "sinks/records.hpp"
#include "sinks/stream.hpp"

namespace glia {

/// A list of texts. An empty list and none are different values.
using OptionalTexts = std::optional<std::vector<std::string>>;

/// An employee of the contact centre, and thus personal data. Members that change by the minute are not
/// stored.
struct OperatorEntry {
    OptionalText id;
    OptionalText name;
    OptionalText email;
    OptionalText role;
    OptionalFlag enabled;  ///< false: the account is closed
    OptionalFlag reactive_enabled;
    OptionalFlag proactive_enabled;
    OptionalFlag observation_enabled;
    OptionalText picture_url;
    OptionalText audio_source;
    OptionalText phone;
    OptionalInteger max_engagement_count;
    OptionalText extra;  ///< members without a column, as one canonical JSON object
    bool operator==(const OperatorEntry&) const = default;
};

struct SiteEntry {
    OptionalText id;
    OptionalText name;
    OptionalTexts addresses;
    OptionalText time_zone;       ///< as received
    OptionalText iana_time_zone;  ///< its IANA name; none if unknown
    OptionalInteger reactive_call_timeout;
    OptionalInteger proactive_call_timeout;
    OptionalInteger multi_engagement_max_count;
    OptionalText extra;
    bool operator==(const SiteEntry&) const = default;
};

struct QueueEntry {
    OptionalText id;
    OptionalText site_id;
    OptionalText name;
    OptionalText description;
    OptionalText status;
    OptionalInstant created_at;
    OptionalInstant updated_at;
    OptionalInteger capacity;
    OptionalTexts media;  ///< from routing_policy, which is stored in `extra`
    OptionalText fallback_queue_id;
    OptionalText when_unstaffed;
    OptionalText extra;
    bool operator==(const QueueEntry&) const = default;
};

/// The records of one listing. Only the list of the listing's stream has entries.
struct DirectoryRecords {
    std::vector<OperatorEntry> operators;
    std::vector<SiteEntry> sites;
    std::vector<QueueEntry> queues;

    std::size_t size() const { return operators.size() + sites.size() + queues.size(); }
    /// Moves the other's records to the end of these.
    void append(DirectoryRecords&& other) {
        const auto move_all = [](auto& to, auto& from) {
            to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
        };
        move_all(operators, other.operators);
        move_all(sites, other.sites);
        move_all(queues, other.queues);
    }
};

/// The streams that are listings of names.
inline constexpr std::array kDirectoryStreams{Stream::operators, Stream::sites, Stream::queues};

}  // namespace glia
