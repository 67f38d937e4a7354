// A chat transcript as messages (spec: api-facts, Chat transcript).
#pragma once

#include <string>
#include <vector>

#include "daemon/parse/engagement_parser.hpp"

namespace glia {

/// Parses the response to GET /engagements/{id}/chat_transcript: a list of messages, in order. A member that
/// is undocumented or of another type than documented goes to the message's `extra`. A message that is not an
/// object, or not JSON, is stored in `extra` as "value". No message is dropped. null is a transcript without
/// messages.
Parsed<std::vector<ChatMessage>> parse_transcript(std::string& body, const Privacy& privacy);

}  // namespace glia
