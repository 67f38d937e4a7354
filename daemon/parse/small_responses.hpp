// The API's small responses (spec: § End Engagement, § Export Engagement, § Fetch Queue Average Wait
// Duration, and recordings).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sinks/records.hpp"

namespace glia {

/// The response to ending an engagement.
struct EndResponse {
    std::string id;
    OptionalText sub_engagement_id;
};

// Each returns none if the body does not have the documented form.

std::optional<EndResponse> parse_end_response(std::string_view body);
std::optional<bool> parse_export_response(std::string_view body);
/// Whole seconds. The inner optional is empty if the API sends null.
std::optional<OptionalInteger> parse_wait_response(std::string_view body);
/// The temporary URL of a recording.
std::optional<std::string> parse_recording_response(std::string_view body);

}  // namespace glia
