// Output for a terminal: colour (unless NO_COLOR is set), questions and aligned tables.
// By hand: Debian 12 has no C++ library for tables.
#pragma once

#include <string>
#include <vector>

#include "sinks/records.hpp"

namespace glia::cli {

enum class Paint { plain, good, bad, warn, dim };

/// True if colour may be written to the descriptor: a terminal, TERM is not dumb, NO_COLOR is empty or not
/// set.
bool has_colour(int descriptor);

/// True if a person can answer questions: standard input is a terminal.
bool has_person();

/// Asks a question on standard error. Returns true only for a yes.
bool agrees(const std::string& what);

/// Returns `text` in the colour of `paint` if `colour` is true.
std::string painted(const std::string& text, Paint paint, bool colour);

/// A time as ISO 8601, to the second.
std::string second_of(Instant time);

/// A table whose columns are as wide as their widest cells. Colours of cells do not affect the width.
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
