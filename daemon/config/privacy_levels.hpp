// The privacy levels for each kind of personal data (DESIGN.md §2, privacy).
#pragma once

#include <algorithm>
#include <array>

namespace glia {

enum class PrivacyLevel {
    keep,
    hash,  ///< replaced by its HMAC-SHA-256, which shows only whether two values are equal
    drop
};

/// The level of each kind of personal data.
struct PrivacyLevels {
    PrivacyLevel visitor_name = PrivacyLevel::keep;
    PrivacyLevel visitor_id = PrivacyLevel::keep;  ///< and the visitor's href, which holds it
    PrivacyLevel audio_recording_urls =
        PrivacyLevel::keep;                         ///< each stays as a row, so that they can be counted
    PrivacyLevel transcripts = PrivacyLevel::keep;  ///< the texts; sender and time are always kept
    /// Undocumented members. A documented member that is in `extra` because of its type has the level of its
    /// own field.
    PrivacyLevel extra = PrivacyLevel::keep;
    PrivacyLevel operator_name = PrivacyLevel::keep;     ///< personal data of an employee
    PrivacyLevel operator_contact = PrivacyLevel::drop;  ///< e-mail, phone, extension, SIP address, picture
    bool operator==(const PrivacyLevels&) const = default;

    /// True if all data of an engagement is kept. (Its documented members contain no operator's name.)
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
