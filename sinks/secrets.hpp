// Masking of passwords and tokens in text for a person.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// Replaces a secret. Its length does not depend on the secret's.
inline constexpr std::string_view kMask = "********";

/// Texts that no person may see. Text from a server or library that received them must pass through scrub().
class Secrets {
  public:
    void add(const std::string& secret);
    /// Returns `text` with every secret masked. A secret shorter than four bytes is masked only as a whole
    /// word: a mask inside an ordinary word would reveal it.
    std::string scrub(std::string text) const;
    bool operator==(const Secrets&) const = default;

  private:
    std::vector<std::string> secrets_;  // longest first: one may be a part of another
};

}  // namespace glia
