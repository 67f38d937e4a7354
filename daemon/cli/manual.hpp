// The manual page and the shells' completion, made from the same declarations as --help.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace glia::cli {

/// The manual page, section 1, for man(1).
std::string manual_page(const CLI::App& app);
/// Completion for bash; complete -F _glia_sync glia-sync.
std::string bash_completion(const CLI::App& app);
/// Completion for zsh, as a file _glia-sync in its fpath.
std::string zsh_completion(const CLI::App& app);

}  // namespace glia::cli
