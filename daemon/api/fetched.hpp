// What the API layer returns to daemon/sync: parsed responses with the time of their requests.
#pragma once

#include "daemon/api/server_clock.hpp"
#include "daemon/parse/directory_parser.hpp"
#include "daemon/parse/engagement_parser.hpp"
#include "daemon/parse/statistics_parser.hpp"
#include "sinks/records.hpp"

namespace glia {

/// When a request was sent, by three clocks. Instant::max() and SteadyTime::max() mean unknown.
struct AskedAt {
    Instant server{};                     ///< by the server's clock: orders responses
    Instant machine = Instant::max();     ///< by this machine's own clock
    SteadyTime sent = SteadyTime::max();  ///< by the steady clock: gives the response's age
};

/// A page of the listing.
struct FetchedPage {
    ParsedPage page;
    Instant fetched_at{};  ///< the best estimate of when it was requested, by the server's clock
    Instant not_before{};  ///< a lower bound of that time
    Instant machine_time = Instant::max();   ///< when it was requested, by this machine's own clock
    SteadyTime sent_at = SteadyTime::max();  ///< the same by the steady clock, for the response's age
    int attempts = 1;                        ///< the number of the attempt that succeeded

    AskedAt asked() const { return {fetched_at, machine_time, sent_at}; }
};

/// The response to GET /engagements/{id}.
struct FetchedDetail {
    ParsedDetail detail;
    Instant fetched_at{};
    Instant machine_time = Instant::max();   ///< as above
    SteadyTime sent_at = SteadyTime::max();  ///< as above

    AskedAt asked() const { return {fetched_at, machine_time, sent_at}; }
};

/// The response to GET …/chat_transcript.
struct FetchedTranscript {
    std::vector<ChatMessage> messages;
    Instant fetched_at{};
};

/// A page of a listing of operators, sites or queues.
struct FetchedListing {
    DirectoryPage page;
    Instant fetched_at{};
    int attempts = 1;  ///< the number of the attempt that succeeded
};

/// The statistics of one interval.
struct FetchedStatistics {
    StatisticsPage page;
    Instant fetched_at{};
    int attempts = 1;  ///< the number of the attempt that succeeded
};

/// The response to GET of a recording's URL.
struct FetchedRecording {
    std::string url;  ///< temporary, and a secret of its own; empty: the recording is still being made
    Instant fetched_at{};
};

}  // namespace glia
