#pragma once

namespace glia {

/// Set by the build from the project's version.
inline constexpr const char* kVersion = GLIA_VERSION;

}  // namespace glia
