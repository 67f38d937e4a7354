// A chat transcript as messages (spec: api-facts, Chat transcript).
#pragma once

#include <string>
#include <vector>

#include "daemon/parse/engagement_parser.hpp"

namespace glia {

/// Reads the answer to GET /engagements/{id}/chat_transcript: a list of messages, in its order. A member that
/// is not of the kind it should be, or that nobody knows, is kept in the message's `extra`, and a message
/// that is no object or no JSON there under "value": no message is left out for it. null is a transcript
/// without messages.
Parsed<std::vector<ChatMessage>> parse_transcript(std::string& body, const Privacy& privacy);

}  // namespace glia
