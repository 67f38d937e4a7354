// The path of an engagement's recordings. It depends on the engagement's id only, which is all that erasure
// knows.
#pragma once

#include <string>

namespace glia {

/// The folder of an engagement below the directory of recordings, such as `3f/eea868ad-…`: two levels, so
/// that no folder grows too large. No id leads outside the directory.
std::string recording_folder(const std::string& engagement_id);

}  // namespace glia
