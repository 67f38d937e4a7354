// Builds the HTML of the status page: escaped text, times, figures and tables.
// By hand: Debian has no C++ template library that escapes by default.
#pragma once

#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::html {

/// Escapes untrusted text for HTML content and quoted attributes. Invisible characters become visible, see
/// printable().
std::string escape(const std::string& text);

/// A time in UTC to the second; none: "never".
std::string time(const OptionalInstant& at);

/// The content of a table's cell or of a definition.
struct Cell {
    std::string content;       ///< HTML
    std::string css{};         ///< CSS classes
    std::string attributes{};  ///< further attributes, each with a leading space
};

/// `plain` is escaped.
Cell text(const std::string& plain);
Cell count(std::int64_t value);
/// A coloured word. `css`: good, wait or bad.
Cell state(const std::string& word, const std::string& css);
/// A dash: the value is unknown or does not apply.
Cell nothing();

/// Adds the name and value of the same figure in /metrics, as `data-metric` and `data-value`. Tests compare
/// them.
Cell with_metric(Cell cell, const std::string& metric, double value);
Cell count_with_metric(const std::string& metric, std::int64_t value);
/// Without these attributes if the time is unknown: /metrics does not have it then.
Cell time_with_metric(const std::string& metric, const OptionalInstant& at);

/// `<TAG …>content</TAG>`.
std::string element(const std::string& tag, const Cell& cell);

/// A table whose rows become cards on narrow screens; for that, each cell has its column's title as an
/// attribute. The first cell of a row is the row's header. Sets ARIA roles explicitly, because browsers drop
/// the implicit ones if CSS changes the `display` of a table.
class Table {
  public:
    struct Column {
        std::string title;
        std::string css{};  ///< CSS classes of the column's header only
    };

    Table(const std::string& caption, std::vector<Column> columns);
    /// Adds a row with one cell per column.
    void add(const std::vector<Cell>& cells);
    /// Returns the HTML.
    std::string text() const;

  private:
    std::vector<Column> columns_;
    std::string head_;
    std::string rows_;
};

/// A part of the page with its heading. `id`: of the heading. `title`, `content`: HTML.
std::string section(const std::string& id, const std::string& title, const std::string& content);

}  // namespace glia::html
