// The exception for an invalid configuration.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace glia {

/// All errors of a configuration, one line each: `file:line:column: what; what to do`.
class ConfigError : public std::runtime_error {
  public:
    explicit ConfigError(std::vector<std::string> lines);
    const std::vector<std::string>& lines() const { return lines_; }

  private:
    std::vector<std::string> lines_;
};

}  // namespace glia
