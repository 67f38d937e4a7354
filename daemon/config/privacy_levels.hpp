// What is done with each kind of personal data (DESIGN.md §2, privacy).
#pragma once

#include <algorithm>
#include <array>

namespace glia {

enum class PrivacyLevel {
    keep,
    hash,  ///< replaced by its HMAC-SHA-256: equal values stay equal, and nothing else can be told
    drop
};

/// The level of each kind.
struct PrivacyLevels {
    PrivacyLevel visitor_name = PrivacyLevel::keep;
    PrivacyLevel visitor_id = PrivacyLevel::keep;  ///< and the visitor's href, which holds it
    PrivacyLevel audio_recording_urls =
        PrivacyLevel::keep;                         ///< each stays as a row, so that they can be counted
    PrivacyLevel transcripts = PrivacyLevel::keep;  ///< what was written; who wrote when, always stays
    PrivacyLevel extra = PrivacyLevel::keep;  ///< undocumented members; a documented one that is kept in
                                              ///< `extra` because of its type goes by its own field's level
    bool operator==(const PrivacyLevels&) const = default;

    bool keep_all() const { return *this == PrivacyLevels{}; }
    bool any_hash() const {
        const std::array levels{visitor_name, visitor_id, audio_recording_urls, transcripts, extra};
        return std::find(levels.begin(), levels.end(), PrivacyLevel::hash) != levels.end();
    }
};

}  // namespace glia
