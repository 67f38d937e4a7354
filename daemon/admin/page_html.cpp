#include "daemon/admin/page_html.hpp"

#include "daemon/base/printable.hpp"
#include "daemon/base/progress.hpp"
#include "sinks/timestamp.hpp"

namespace glia::html {

std::string escape(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out.push_back(c);
        }
    }
    return out;
}

std::string time(const OptionalInstant& at) {
    if (!at) return "<span class=\"dim\">never</span>";
    const std::string iso = to_iso8601(std::chrono::floor<std::chrono::seconds>(*at));
    std::string shown = iso.substr(0, 19);
    shown[10] = ' ';
    return "<time datetime=\"" + iso + "\">" + shown + "</time>";
}

Cell text(const std::string& plain) {
    return {escape(plain), "text"};
}

Cell count(std::int64_t value) {
    return {with_commas(value), "number"};
}

Cell state(const std::string& word, const std::string& css) {
    return {escape(word), css};
}

Cell nothing() {
    return {"–", "number dim"};
}

Cell with_metric(Cell cell, const std::string& metric, double value) {
    std::string number = std::to_string(value);
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    cell.attributes += " data-metric=\"" + escape(metric) + "\" data-value=\"" + number + "\"";
    return cell;
}

Cell count_with_metric(const std::string& metric, std::int64_t value) {
    return with_metric(count(value), metric, static_cast<double>(value));
}

Cell time_with_metric(const std::string& metric, const OptionalInstant& at) {
    if (!at) return {time(at)};
    return with_metric({time(at)}, metric, std::chrono::duration<double>(at->time_since_epoch()).count());
}

std::string element(const std::string& tag, const Cell& cell) {
    return "<" + tag + (cell.css.empty() ? "" : " class=\"" + cell.css + "\"") + cell.attributes + ">" +
           cell.content + "</" + tag + ">";
}

Table::Table(const std::string& caption, std::vector<Column> columns)
    : columns_(std::move(columns)),
      head_("<table role=\"table\"><caption>" + escape(caption) +
            "</caption><thead role=\"rowgroup\"><tr role=\"row\">") {
    for (const Column& column : columns_)
        head_ += element("th", {escape(column.title), column.css, " role=\"columnheader\" scope=\"col\""});
    head_ += "</tr></thead><tbody role=\"rowgroup\">\n";
}

void Table::add(const std::vector<Cell>& cells) {
    rows_ += "<tr role=\"row\">";
    for (std::size_t i = 0; i < cells.size(); ++i) {
        Cell cell = cells[i];
        cell.attributes += i == 0 ? " role=\"rowheader\" scope=\"row\""
                                  : " role=\"cell\" data-label=\"" + escape(columns_.at(i).title) + "\"";
        rows_ += element(i == 0 ? "th" : "td", cell);
    }
    rows_ += "</tr>\n";
}

std::string Table::text() const {
    return head_ + rows_ + "</tbody></table>\n";
}

std::string section(const std::string& id, const std::string& title, const std::string& content) {
    return "<section aria-labelledby=\"" + id + "\"><h2 id=\"" + id + "\">" + title + "</h2>\n" + content +
           "</section>\n";
}

}  // namespace glia::html
