// Where recordings lie on disk: decided by the engagement alone, so that erasing needs to know nothing else.
#pragma once

#include <string>

namespace glia {

/// The folder of an engagement below the directory of recordings, such as `3f/eea868ad-…`: two levels, so
/// that no folder grows too large. Whatever the id, it stays below.
std::string recording_folder(const std::string& engagement_id);

}  // namespace glia
