// What a terminal can show: colour, if it is one and nobody objects (NO_COLOR), and aligned tables.
#pragma once

#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::cli {

enum class Paint { plain, good, bad, warn, dim };

/// True if colour may be written to the descriptor: a terminal, TERM is not dumb, NO_COLOR is empty or not
/// set.
bool has_colour(int descriptor);

/// True if somebody can be asked: standard input is a terminal.
bool has_person();

/// Asks on standard error; true only for a yes.
bool agrees(const std::string& what);

/// `text` in the colour, if `colour`.
std::string painted(const std::string& text, Paint paint, bool colour);

/// A time as ISO 8601, to the second.
std::string second_of(Instant time);

/// Columns, each as wide as its widest cell; cells may be painted, which does not count as width.
class Table {
  public:
    struct Cell {
        std::string text;
        Paint paint = Paint::plain;
        bool right = false;
    };
    explicit Table(std::vector<std::string> titles);
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    std::string text(bool colour) const;

  private:
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace glia::cli
