// The parts that the status page is made of: escaped text, times, figures and tables as HTML.
// By hand: Debian has no template library for C++ that escapes by itself.
#pragma once

#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::html {

/// Text from outside as HTML: nothing in it is markup, and nothing in it is invisible.
std::string escape(const std::string& text);

/// A time in UTC to the second; none: "never".
std::string time(const OptionalInstant& at);

/// What a table's cell or a definition holds.
struct Cell {
    std::string content;       ///< HTML
    std::string css{};         ///< classes
    std::string attributes{};  ///< further ones, with a space in front of each
};

Cell text(const std::string& plain);
Cell count(std::int64_t value);
/// A word in a colour: good, wait or bad. The word alone says it, too.
Cell state(const std::string& word, const std::string& css);
/// What is not known or does not apply.
Cell nothing();

/// The same as a figure that /metrics shows too: `data-metric` and `data-value` are for whoever compares.
Cell marked(Cell cell, const std::string& metric, double value);
Cell marked_count(const std::string& metric, std::int64_t value);
/// A time that is not known yet is a figure in neither.
Cell marked_time(const std::string& metric, const OptionalInstant& at);

/// `<TAG …>content</TAG>`.
std::string element(const std::string& tag, const Cell& cell);

/// A table whose rows become cards where the screen is narrow: each cell carries the name of its column. The
/// first cell of a row is its header. Roles are said outright, because browsers take them away from a table
/// that is displayed as anything else.
class Table {
  public:
    struct Column {
        std::string title;
        std::string css{};  ///< of the column's header; that of its cells is each cell's own
    };

    Table(const std::string& caption, std::vector<Column> columns);
    /// As many cells as there are columns.
    void add(const std::vector<Cell>& cells);
    std::string text() const;

  private:
    std::vector<Column> columns_;
    std::string head_;
    std::string rows_;
};

/// A part of the page with its heading. `id`: of the heading.
std::string section(const std::string& id, const std::string& title, const std::string& content);

}  // namespace glia::html
