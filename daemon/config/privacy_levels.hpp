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
    PrivacyLevel operator_name = PrivacyLevel::keep;     ///< operators are people too
    PrivacyLevel operator_contact = PrivacyLevel::drop;  ///< e-mail, phone, extension, SIP address, picture
    bool operator==(const PrivacyLevels&) const = default;

    /// True if everything of an engagement is kept. (Its documented members tell no operator's name.)
    bool keep_all() const {
        const std::array levels{visitor_name, visitor_id, audio_recording_urls, transcripts, extra};
        return std::all_of(levels.begin(), levels.end(),
                           [](PrivacyLevel level) { return level == PrivacyLevel::keep; });
    }
    bool any_hash() const {
        const std::array levels{visitor_name, visitor_id,    audio_recording_urls, transcripts,
                                extra,        operator_name, operator_contact};
        return std::find(levels.begin(), levels.end(), PrivacyLevel::hash) != levels.end();
    }
};

}  // namespace glia
