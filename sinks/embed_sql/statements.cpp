#include "sinks/embed_sql/statements.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <regex>
#include <set>
#include <string_view>

namespace glia::embed_sql {
namespace {

using Problems = std::vector<std::string>;

constexpr std::string_view kName = "-- name: ";

void report(Problems& problems, const std::string& path, int line, const std::string& what) {
    problems.push_back(path + ":" + std::to_string(line) + ": " + what);
}

bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool in_name(char c) {
    return starts_name(c) || (c >= '0' && c <= '9');
}

/// Replaces the parameters and column lists of one statement, and drops its `--` comments.
class StatementRewriter {
  public:
    StatementRewriter(const Statement& statement, std::string_view sql, char parameter_prefix,
                      const ColumnLists& lists, Problems& problems)
        : statement_(statement),
          sql_(sql),
          parameter_prefix_(parameter_prefix),
          lists_(lists),
          problems_(problems) {}

    std::string run() {
        while (at_ < sql_.size()) step();
        for (const std::string& parameter : statement_.parameters) {
            if (!used_.contains(parameter))
                report(problems_, statement_.path, statement_.line,
                       statement_.name + " does not use :" + parameter +
                           "; remove it from the list, and from the call in C++");
        }
        return trimmed();
    }

  private:
    void step() {
        const char c = sql_[at_];
        const char next = at_ + 1 < sql_.size() ? sql_[at_ + 1] : '\0';
        if (c == '-' && next == '-') {
            drop_comment();
        } else if (c == '/' && next == '*') {
            copy_through("*/", 2);
        } else if (c == '\'' || c == '"') {
            copy_through(std::string(1, c), 1);
        } else if (c == ':' && next == ':') {
            copy(2);
        } else if (c == ':' && starts_name(next)) {
            parameter();
        } else if (c == '@') {
            list();
        } else if (c == '$' || c == '?') {
            dollar_or_number(next);
        } else {
            copy(1);
        }
    }
    void copy(std::size_t count) {
        text_ += sql_.substr(at_, count);
        at_ += count;
    }
    /// Copies the text up to and including `end`. The search for it starts after `first` characters.
    void copy_through(const std::string& end, std::size_t first) {
        const std::size_t found = sql_.find(end, at_ + first);
        if (found == std::string_view::npos) {
            problem("what begins here with " + std::string(sql_.substr(at_, first)) +
                    " has no end; close it");
            at_ = sql_.size();
        } else {
            copy(found + end.size() - at_);
        }
    }
    /// Drops a `--` comment, and the line end too if the line has nothing else.
    void drop_comment() {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
        text_.erase(text_.find_last_not_of(' ') + 1);
        if (text_.empty() || text_.back() == '\n') at_ = std::min(at_ + 1, sql_.size());
    }
    std::string_view name_at(std::size_t at) const {
        std::size_t end = at;
        while (end < sql_.size() && in_name(sql_[end])) ++end;
        return sql_.substr(at, end - at);
    }
    void parameter() {
        const std::string name(name_at(at_ + 1));
        const auto& all = statement_.parameters;
        const auto found = std::find(all.begin(), all.end(), name);
        if (found == all.end())
            problem(":" + name + " is not in the list of " + statement_.name +
                    "; add it where C++ passes it: `-- name: " + statement_.name + "(…, " + name + ")`");
        used_.insert(name);
        text_ += parameter_prefix_ + std::to_string(found - all.begin() + 1);
        at_ += 1 + name.size();
    }
    void list() {
        const std::string_view table = name_at(at_ + 1);
        const std::size_t dot = at_ + 1 + table.size();
        if (table.empty() || dot >= sql_.size() || sql_[dot] != '.') return copy(1);  // an operator
        const std::string_view list = name_at(dot + 1);
        const std::size_t end = dot + 1 + list.size();
        if (list.empty() || end >= sql_.size() || sql_[end] != '@') return copy(1);
        const auto found = lists_.find(std::string(table) + "." + std::string(list));
        if (found == lists_.end())
            problem("there is no list " + std::string(sql_.substr(at_, end + 1 - at_)) +
                    "; add it to sinks/embed_sql/column_lists.cpp");
        else
            text_ += found->second;
        at_ = end + 1;
    }
    void dollar_or_number(char next) {
        if (next >= '0' && next <= '9') {
            problem(std::string(sql_.substr(at_, 2)) +
                    " is a number; name the parameter: `:site`, and `-- name: " + statement_.name +
                    "(site)`");
            return copy(2);
        }
        const std::string_view tag = name_at(at_ + 1);
        const std::size_t end = at_ + 1 + tag.size();
        if (sql_[at_] == '$' && end < sql_.size() && sql_[end] == '$')
            return copy_through("$" + std::string(tag) + "$", tag.size() + 2);
        copy(1);
    }
    void problem(const std::string& what) {
        const auto lines = std::count(sql_.begin(), sql_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
        report(problems_, statement_.path, statement_.line + static_cast<int>(lines), what);
    }
    std::string trimmed() const {
        const std::size_t first = text_.find_first_not_of(" \n");
        if (first == std::string::npos) return {};
        return text_.substr(first, text_.find_last_not_of(" \n") + 1 - first);
    }

    const Statement& statement_;
    const std::string_view sql_;  // begins with the line of the name
    const char parameter_prefix_;
    const ColumnLists& lists_;
    Problems& problems_;
    std::size_t at_ = 0;
    std::string text_;
    std::set<std::string> used_;
};

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

bool is_comment(std::string_view line) {
    return line.starts_with("--");
}
bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \n") == std::string_view::npos;
}
/// True for a line that names a statement, even with wrong syntax.
bool names(std::string_view line) {
    static const std::regex kAny("--\\s*name\\s*:", std::regex::icase);
    return std::regex_search(line.begin(), line.end(), kAny, std::regex_constants::match_continuous);
}

/// Parses `claim_windows(backfill, instance)`. The list may continue on the comment lines after `line`.
Statement read_name(const File& file, const std::vector<std::string_view>& lines, std::size_t line,
                    Problems& problems) {
    static const std::regex kForm("([a-z][a-z0-9_]*)(?:\\(([a-z0-9_, ]+)\\))?");
    static const std::regex kParameters("[a-z][a-z0-9_]*(?:, *[a-z][a-z0-9_]*)*");
    Statement statement;
    statement.path = file.path;
    statement.line = static_cast<int>(line) + 1;
    std::string head(lines[line].starts_with(kName) ? lines[line].substr(kName.size()) : "");
    while (head.find('(') != std::string::npos && head.find(')') == std::string::npos &&
           line + 1 < lines.size() && is_comment(lines[line + 1])) {
        head += lines[++line].substr(2);
    }
    std::erase(head, '\n');
    std::smatch found;
    const std::string parameters = std::regex_match(head, found, kForm) ? found[2].str() : std::string("(");
    if (parameters == "(" || (found[2].matched && !std::regex_match(parameters, kParameters))) {
        report(problems, file.path, statement.line,
               "a statement begins with `-- name: NAME`, or `-- name: NAME(PARAMETER, PARAMETER)` if it has "
               "parameters, in "
               "small letters; write the line so");
        return statement;
    }
    statement.name = found[1];
    static const std::regex kOne("[a-z0-9_]+");
    for (std::sregex_iterator one(parameters.begin(), parameters.end(), kOne), end; one != end; ++one) {
        if (std::ranges::count(statement.parameters, one->str()) > 0)
            report(problems, file.path, statement.line,
                   ":" + one->str() + " stands twice in the list of " + statement.name +
                       "; C++ passes it once, so list it once");
        statement.parameters.push_back(one->str());
    }
    return statement;
}

void read_file(const File& file, char parameter_prefix, const ColumnLists& lists, Statements& into) {
    const auto lines = lines_of(file.text);
    std::size_t at = 0;
    for (; at < lines.size() && !names(lines[at]); ++at) {
        if (!is_comment(lines[at]) && !is_blank(lines[at])) {
            report(into.problems, file.path, static_cast<int>(at) + 1,
                   "this belongs to no statement; put a line `-- name: NAME` before it");
            while (at + 1 < lines.size() && !names(lines[at + 1])) ++at;
        }
    }
    while (at < lines.size()) {
        Statement statement = read_name(file, lines, at, into.problems);
        const char* begin = lines[at].data();
        while (++at < lines.size() && !names(lines[at])) {
        }
        const char* end = at < lines.size() ? lines[at].data() : file.text.data() + file.text.size();
        if (statement.name.empty()) continue;
        statement.text =
            StatementRewriter(statement, std::string_view(begin, static_cast<std::size_t>(end - begin)),
                              parameter_prefix, lists, into.problems)
                .run();
        if (statement.text.empty())
            report(into.problems, file.path, statement.line,
                   statement.name + " has no text; write the statement below its name");
        into.all.push_back(std::move(statement));
    }
}

/// The names that the sources call as sql::NAME.
std::set<std::string> called_names(const std::vector<File>& sources) {
    std::set<std::string> called;
    constexpr std::string_view kCall = "sql::";
    for (const File& source : sources) {
        for (std::size_t at = source.text.find(kCall); at != std::string::npos;
             at = source.text.find(kCall, at)) {
            at += kCall.size();
            std::size_t end = at;
            while (end < source.text.size() && in_name(source.text[end])) ++end;
            called.insert(source.text.substr(at, end - at));
        }
    }
    return called;
}

}  // namespace

Statements read_statements(const std::vector<File>& files, const std::vector<File>& sources,
                           char parameter_prefix, const ColumnLists& lists) {
    Statements statements;
    for (const File& file : files) read_file(file, parameter_prefix, lists, statements);
    const auto called = called_names(sources);
    std::map<std::string, const Statement*> known;
    for (const Statement& statement : statements.all) {
        const auto [first, fresh] = known.try_emplace(statement.name, &statement);
        if (!fresh)
            report(statements.problems, statement.path, statement.line,
                   statement.name + " is the name of a statement in " + first->second->path + ":" +
                       std::to_string(first->second->line) + " already; choose another");
        else if (!called.contains(statement.name))
            report(statements.problems, statement.path, statement.line,
                   "no source calls sql::" + statement.name + "; call it, or delete the statement");
    }
    std::ranges::sort(statements.all, {}, &Statement::name);
    return statements;
}

}  // namespace glia::embed_sql
