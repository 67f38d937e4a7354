// What the API layer hands to the sync: parsed answers with the time they were asked for.
#pragma once

#include "daemon/api/server_clock.hpp"
#include "daemon/parse/directory_parser.hpp"
#include "daemon/parse/engagement_parser.hpp"
#include "sinks/records.hpp"

namespace glia {

/// When a response was asked for. The clocks that are not known are at their maximum.
struct AskedAt {
    Instant server{};                     ///< by the server's clock: orders responses
    Instant machine = Instant::max();     ///< by this machine's own clock
    SteadyTime sent = SteadyTime::max();  ///< by the steady clock: tells how old the response is
};

/// A page of the listing.
struct FetchedPage {
    ParsedPage page;
    Instant fetched_at{};  ///< when it was asked for, by the server's clock as well as it is known
    Instant not_before{};  ///< a time by the server's clock at which it had certainly not been asked for yet
    Instant machine_time = Instant::max();   ///< when it was asked for, by this machine's own clock
    SteadyTime sent_at = SteadyTime::max();  ///< the same by the steady clock, for its age
    int attempts = 1;                        ///< requests sent for it, retries included

    AskedAt asked() const { return {fetched_at, machine_time, sent_at}; }
};

/// The answer to GET /engagements/{id}.
struct FetchedDetail {
    ParsedDetail detail;
    Instant fetched_at{};
    Instant machine_time = Instant::max();   ///< as above
    SteadyTime sent_at = SteadyTime::max();  ///< as above

    AskedAt asked() const { return {fetched_at, machine_time, sent_at}; }
};

/// The answer to GET …/chat_transcript.
struct FetchedTranscript {
    std::vector<ChatMessage> messages;
    Instant fetched_at{};
};

/// A page of a listing of operators, sites or queues.
struct FetchedListing {
    DirectoryPage page;
    Instant fetched_at{};
    int attempts = 1;  ///< requests sent for it
};

/// The answer to GET of a recording's URL.
struct FetchedRecording {
    std::string url;  ///< temporary, and a secret of its own; empty: the recording is still being made
    Instant fetched_at{};
};

}  // namespace glia
