// The records that a sink takes, as plain structs: engagements, legs, chat messages.
//
// Field names and units are those of the API documentation (§ Output fields, § Engagement Leg, § Queues).
// Every member except `id` and `created_at` may be missing (DESIGN.md §3.5); missing and null are the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sinks/content_hash.hpp"
#include "sinks/record_memory.hpp"

namespace glia {

/// A point in time, UTC, with PostgreSQL's resolution.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

using OptionalText = std::optional<std::string>;
using OptionalInteger = std::optional<std::int64_t>;  ///< whole seconds, or a count where the name says so
using OptionalFlag = std::optional<bool>;
using OptionalInstant = std::optional<Instant>;

struct UndocumentedOfRecord;  // undocumented_members.hpp

/// A queue as an engagement or a leg names it.
struct QueueRef {
    RecordText id;
    RecordText name;
    bool operator==(const QueueRef&) const = default;
};

/// One leg: the engagement starts with one, each transfer adds one.
struct Leg {
    // User-provided: a defaulted constructor would first zero the whole object.
    // NOLINTNEXTLINE(modernize-use-equals-default)
    Leg() noexcept {}
    RecordText id;  ///< "#<position>" if the API sent none, because the table's key needs an id
    RecordText operator_id;
    RecordText site_id;
    OptionalInstant requested_at;
    OptionalInstant accepted_at;
    RecordText request_type;
    RecordText request_source;
    RecordText offered_media_type;
    RecordText accepted_media_type;
    RecordList<QueueRef> request_queues;  ///< null and [] are the same: no queues
    OptionalInteger duration;
    RecordText highest_visitor_media_type;
    RecordText highest_operator_media_type;
    OptionalFlag used_cobrowsing;
    OptionalInstant ended_at;
    RecordText end_reason;
    RecordText extra;  ///< undocumented members as one canonical JSON object
    bool operator==(const Leg&) const = default;
};

/// An operator as an engagement names it.
struct OperatorRef {
    RecordText operator_id;  ///< last path segment of the href
    RecordText href;
    bool operator==(const OperatorRef&) const = default;
};

/// One engagement. `legs`: none if the response did not contain them, as is usual for list items.
struct Engagement {
    Engagement() noexcept {}  // NOLINT(modernize-use-equals-default): like Leg's
    MemoryHold memory;        ///< keeps the memory that the members borrow from
    RecordText id;            ///< never none
    Instant created_at{};
    RecordText engagement_type;
    OptionalInteger duration;
    RecordText visitor_name;
    RecordText visitor_browser;
    RecordText visitor_device_type;
    RecordText visitor_id;
    OptionalFlag cobrowsing_used;
    OptionalFlag video_used;
    OptionalFlag audio_used;
    OptionalFlag flagged;
    OptionalInteger queue_wait_time;
    OptionalFlag crm_forwarded;
    OptionalFlag summary_forwarded;
    RecordText platform;
    RecordText source;
    RecordText visitor_href;
    RecordText chat_transcript_href;
    RecordList<RecordText> audio_recording_urls;
    RecordList<OperatorRef> operators;
    RecordList<QueueRef> queues;
    RecordText extra;  ///< undocumented members as one canonical JSON object
    std::optional<RecordList<Leg>> legs;
    /// Digest of the visitor's id as received, if privacy replaced it. Recognises forgotten visitors.
    std::optional<ContentHash> visitor_digest;
    /// The undocumented members before privacy changed `extra` (here or in a leg): names, kinds, and the
    /// examples that privacy allows. Null if privacy changed nothing: then `extra` shows them.
    std::shared_ptr<const UndocumentedOfRecord> undocumented_members;
    bool operator==(const Engagement&) const = default;
};

/// One message of an engagement's chat transcript (spec: api-facts, Chat transcript).
struct ChatMessage {
    OptionalText id;  ///< newer messages have one
    OptionalInstant created_at;
    OptionalText type;
    OptionalText message;
    OptionalText sender_type;
    OptionalText sender_name;
    OptionalText sender_href;
    OptionalText attachment;  ///< canonical JSON
    OptionalText metadata;    ///< canonical JSON
    OptionalText extra;       ///< undocumented members as one canonical JSON object
    bool operator==(const ChatMessage&) const = default;
};

/// A record that could not be loaded (DESIGN.md §3.5).
struct RejectedRecord {
    OptionalText engagement_id;                   ///< if it could be read
    std::string payload;                          ///< as received
    std::string reason;                           ///< one line: which field, what is wrong
    std::optional<ContentHash> visitor_digest{};  ///< of the visitor's id, if it could be read
    OptionalText operator_id{};                   ///< of an operator's entry: the id in its href, if any
    bool operator==(const RejectedRecord&) const = default;
};

/// True while the engagement may still change by itself: a leg has no `ended_at`, or, within a day of
/// `created_at`, there is no leg yet. Such engagements are fetched again until they have ended. False if the
/// legs are not known.
bool is_ongoing(const Engagement& engagement, Instant now);

/// Formats a time for PostgreSQL and for people: `2024-05-01 12:00:00.123456+00`.
std::string to_text(Instant time);

/// Formats a time for the API and JSON: `2024-05-01T12:00:00Z`, with as many fraction digits as needed (none,
/// 3 or 6).
std::string to_iso8601(Instant time);

}  // namespace glia
