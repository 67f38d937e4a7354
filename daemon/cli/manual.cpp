#include "daemon/cli/manual.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>
#include <vector>

#include "daemon/base/version.hpp"
#include "daemon/cli/commands.hpp"

namespace glia::cli {
namespace {

/// roff takes a backslash, a hyphen, and a dot or an apostrophe at the start of a line for its own.
std::string roff(const std::string& text) {
    std::string out;
    bool start = true;
    for (const char c : text) {
        if (start && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out.push_back(c);
        }
        start = c == '\n';
    }
    return out;
}

std::vector<const CLI::App*> commands(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

std::vector<const CLI::Option*> options(const CLI::App& app) {
    return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

/// `--to TEXT`, `ID...`
std::string shown(const CLI::Option& option) {
    std::string text;
    for (const auto& name : option.get_snames()) text += (text.empty() ? "-" : ", -") + name;
    for (const auto& name : option.get_lnames()) text += (text.empty() ? "--" : ", --") + name;
    const std::string value = option.get_type_name().substr(0, option.get_type_name().find(':'));
    if (option.get_positional()) text = option.get_name(true);
    if (!option.get_positional() && option.get_items_expected_max() > 0 && !value.empty())
        text += " " + value;
    if (!option.get_default_str().empty()) text += " (default " + option.get_default_str() + ")";
    if (option.get_required()) text += " (required)";
    return text;
}

void write_options(std::ostream& out, const CLI::App& app) {
    for (const CLI::Option* option : options(app)) {
        if (option == app.get_help_ptr() && app.get_parent()) continue;  // every command has it
        out << ".TP\n.B " << roff(shown(*option)) << "\n" << roff(option->get_description()) << "\n";
    }
}

void write_footer(std::ostream& out, const std::string& footer) {
    if (footer.empty()) return;
    out << ".PP\n.nf\n" << roff(footer) << "\n.fi\n";
}

void write_command(std::ostream& out, const CLI::App& command, const std::string& before) {
    const std::string name = before + command.get_name();
    out << ".SS " << roff(name) << "\n" << roff(command.get_description()) << ".\n";
    write_options(out, command);
    write_footer(out, command.get_footer());
    for (const CLI::App* inner : commands(command)) write_command(out, *inner, name + " ");
}

std::string shell_quoted(const std::string& text) {  // for a shell
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string words(const CLI::App& app, bool with_commands) {
    std::string list;
    for (const CLI::App* command : commands(app)) {
        if (with_commands) list += command->get_name() + " ";
    }
    for (const CLI::Option* option : options(app)) {
        for (const auto& name : option->get_lnames()) list += "--" + name + " ";
    }
    if (!list.empty()) list.pop_back();
    return list;
}

void bash_cases(std::ostream& out, const CLI::App& app, const std::string& path) {
    for (const CLI::App* command : commands(app)) {
        const std::string name = path + "/" + command->get_name();
        out << "        " << name << ") words=" << shell_quoted(words(*command, true) + " --config")
            << " ;;\n";
        bash_cases(out, *command, name);
    }
}

/// One of zsh's _arguments specifications for each option.
std::string zsh_options(const CLI::App& app) {
    std::string list;
    for (const CLI::Option* option : options(app)) {
        std::string text = option->get_description();
        for (const char c : {'[', ']', ':'}) std::replace(text.begin(), text.end(), c, ' ');
        for (const auto& name : option->get_lnames()) {
            const bool takes_value = option->get_items_expected_max() > 0;
            const std::string value = name == "config" ? ":file:_files" : ":" + name + ":";
            std::string specification = "--" + name + "[" + text + "]";
            if (takes_value) specification += value;
            list += " " + shell_quoted(specification);
        }
    }
    return list;
}

/// What may follow `path`, and what may follow the commands among that.
void zsh_cases(std::ostream& out, const CLI::App& app, const std::string& path) {
    out << "        " << (path.empty() ? "''" : path) << ")\n            options=(" << zsh_options(app)
        << " )\n            commands=(";
    for (const CLI::App* command : commands(app)) {
        out << " " << shell_quoted(command->get_name() + ":" + command->get_description());
    }
    out << " ) ;;\n";
    for (const CLI::App* command : commands(app)) zsh_cases(out, *command, path + "/" + command->get_name());
}

}  // namespace

std::string manual_page(const CLI::App& app) {
    std::ostringstream out;
    out << ".TH GLIA\\-SYNC 1 \"\" \"glia\\-sync " << kVersion << "\" \"User Commands\"\n"
        << ".SH NAME\nglia\\-sync \\- keep PostgreSQL in step with a contact centre's engagements\n"
        << ".SH SYNOPSIS\n.B glia\\-sync\n[\\-c FILE] COMMAND [OPTION...]\n"
        << ".SH DESCRIPTION\n"
        << "Reads every engagement of the sites that the configuration names, with its legs and queues, from "
           "the "
           "REST API of a contact centre on Glia, and keeps the tables of a PostgreSQL database equal to "
           "it.\n"
        << ".SH OPTIONS\n";
    write_options(out, app);
    out << ".SH COMMANDS\n";
    for (const CLI::App* command : commands(app)) write_command(out, *command, "");
    out << ".SH EXIT STATUS\n.nf\n"
        << roff(app.get_footer()) << "\n.fi\n"
        << ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nNo colour on a terminal.\n"
        << ".TP\n.B PGHOST, PGUSER and the like\nThe database, where sink.postgres.dsn leaves it open.\n"
        << ".TP\n.B HTTPS_PROXY, ALL_PROXY, NO_PROXY\nThe proxy, where api.proxy leaves it open: "
           "http://HOST:PORT; another kind is refused.\n"
        << ".SH FILES\n.TP\n.I " << roff(kDefaultConfig) << "\nThe configuration.\n"
        << ".TP\n.I /usr/share/doc/glia\\-sync/examples/glia\\-sync.yaml\nEvery setting, explained.\n"
        << ".SH SEE ALSO\n.BR systemctl (1),\n.BR psql (1)\n";
    return out.str();
}

std::string bash_completion(const CLI::App& app) {
    std::ostringstream out;
    out << "# bash completion for glia-sync\n_glia_sync() {\n"
           "    local word path= words= previous=${COMP_WORDS[COMP_CWORD-1]} i\n"
           "    if [[ $previous == -c || $previous == --config ]]; then\n"
           "        COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")); return\n    fi\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n        word=${COMP_WORDS[i]}\n"
           "        case $word in\n            -c | --config) ((i++)) ;;\n            -*) ;;\n"
           "            *) path+=/$word ;;\n        esac\n    done\n    case $path in\n"
        << "        '') words=" << shell_quoted(words(app, true)) << " ;;\n";
    bash_cases(out, app, "");
    out << "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
           "complete -F _glia_sync glia-sync\n";
    return out.str();
}

std::string zsh_completion(const CLI::App& app) {
    std::ostringstream out;
    out << "#compdef glia-sync\n_glia_sync() {\n    local path_of= i\n    local -a options commands\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n        case $words[i] in\n"
           "            -c | --config) ((i++)) ;;\n            -*) ;;\n            *) path_of+=/$words[i] "
           ";;\n"
           "        esac\n    done\n    case $path_of in\n";
    zsh_cases(out, app, "");
    out << "    esac\n    if [[ $words[CURRENT-1] == (-c|--config) ]]; then _files; return; fi\n"
           "    (( $#commands )) && _describe command commands\n"
           "    (( $#options )) && compadd -- ${options%%\\[*}\n}\n_glia_sync \"$@\"\n";
    return out.str();
}

}  // namespace glia::cli
