// Text that may hold a password or a token, and how it is shown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// Stands where a secret was. Its length tells nothing of the secret's.
inline constexpr std::string_view kMask = "********";

/// Texts that no person may see. Whoever shows text of a server or of a library that knew them passes it
/// through scrub().
class Secrets {
  public:
    void add(const std::string& secret);
    /// `text` with every secret in it masked. A secret of fewer than four bytes is masked only where it
    /// stands as a word: elsewhere the masks would spell it.
    std::string scrub(std::string text) const;
    bool operator==(const Secrets&) const = default;

  private:
    std::vector<std::string> secrets_;  // longest first: one may be a part of another
};

}  // namespace glia
