#include "daemon/cli/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/config/settings.hpp"

namespace glia::cli {
namespace {

/// Columns on the screen: UTF-8's continuation bytes take none.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

bool has_colour(int descriptor) {
    const bool refused = !process_environment("NO_COLOR").value_or("").empty();
    return isatty(descriptor) != 0 && !refused && process_environment("TERM").value_or("dumb") != "dumb";
}

bool has_person() {
    return isatty(STDIN_FILENO) != 0;
}

bool agrees(const std::string& what) {
    std::cerr << printable(what) << " Go on? [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

std::string painted(const std::string& text, Paint paint, bool colour) {
    static constexpr const char* kCodes[] = {"", "32", "31", "33", "2"};
    if (!colour || paint == Paint::plain || text.empty()) return text;
    return "\033[" + std::string(kCodes[static_cast<int>(paint)]) + "m" + text + "\033[0m";
}

Table::Table(std::vector<std::string> titles) {
    std::vector<Cell> row;
    row.reserve(titles.size());
    for (std::string& title : titles) row.push_back({std::move(title), Paint::dim, false});
    rows_.push_back(std::move(row));
}

std::string Table::text(bool colour) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
    }
    std::string out;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string pad(widths[i] - width(row[i].text), ' ');
            // A heading is aligned like its column.
            const bool right =
                row[i].right || (&row == &rows_.front() && rows_.size() > 1 && rows_[1][i].right);
            const std::string cell = painted(row[i].text, row[i].paint, colour);
            line += (i == 0 ? "" : "  ") + (right ? pad + cell : cell + pad);
        }
        while (line.ends_with(' ')) line.pop_back();
        out += line + "\n";
    }
    return out;
}

std::string second_of(Instant time) {
    return to_iso8601(std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace glia::cli
