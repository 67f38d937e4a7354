// What the API layer hands to the sync: parsed answers with the time they were asked for.
#pragma once

#include "daemon/parse/engagement_parser.hpp"
#include "sinks/records.hpp"

namespace glia {

/// A page of the listing.
struct FetchedPage {
    ParsedPage page;
    Instant fetched_at{};  ///< when it was asked for, by the server's clock as well as it is known
    Instant not_before{};  ///< a time by the server's clock at which it had certainly not been asked for yet
    int attempts = 1;      ///< requests sent for it, retries included
};

/// The answer to GET /engagements/{id}.
struct FetchedDetail {
    ParsedDetail detail;
    Instant fetched_at{};
};

/// The answer to GET …/chat_transcript.
struct FetchedTranscript {
    std::vector<ChatMessage> messages;
    Instant fetched_at{};
};

/// The answer to GET of a recording's URL.
struct FetchedRecording {
    std::string url;  ///< temporary, and a secret of its own; empty: the recording is still being made
    Instant fetched_at{};
};

}  // namespace glia
