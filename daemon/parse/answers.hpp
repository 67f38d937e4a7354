// The API's small answers (spec: § End Engagement, § Export Engagement, § Fetch Queue Average Wait Duration,
// and recordings).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sinks/records.hpp"

namespace glia {

/// The answer to ending an engagement.
struct EndAnswer {
    std::string id;
    OptionalText sub_engagement_id;
};

/// Each is none if the body is not what the documentation shows.
std::optional<EndAnswer> parse_end_answer(std::string_view body);
std::optional<bool> parse_export_answer(std::string_view body);
/// Whole seconds; of a null there is an answer without a value.
std::optional<OptionalSeconds> parse_wait_answer(std::string_view body);
/// The temporary URL of a recording.
std::optional<std::string> parse_recording_answer(std::string_view body);

}  // namespace glia
