// Walks text that should be JSON, by its quotes and brackets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace glia {

/// Not a position: nothing was found.
inline constexpr std::size_t kNowhere = std::string_view::npos;

/// Walks text that may not be JSON. Positions are offsets into the text, which must outlive the scanner.
class Scanner {
  public:
    enum class Balance {
        balanced,
        mismatched,     ///< a closing bracket does not match the opening one
        inside_string,  ///< the text ends inside a string
        unfinished      ///< the text ends with open brackets that match so far: it is cut off
    };
    struct Span {
        std::size_t end = 0;
        Balance balance = Balance::balanced;
        bool good() const { return balance == Balance::balanced; }
    };

    explicit Scanner(std::string_view text) : text_(text) {}

    std::string_view text() const { return text_; }
    std::string_view slice(std::size_t from, std::size_t to) const { return text_.substr(from, to - from); }
    bool at_end(std::size_t at) const { return at >= text_.size(); }
    bool is(std::size_t at, char c) const { return at < text_.size() && text_[at] == c; }
    /// Bytes scanned so far.
    std::size_t scanned() const { return scanned_; }

    std::size_t skip_space(std::size_t at, std::string_view also = {}) const {
        while (at < text_.size() && (static_cast<unsigned char>(text_[at]) <= 0x20 ||
                                     also.find(text_[at]) != std::string_view::npos))
            ++at;
        return at;
    }

    /// True if the value at `at` follows a colon.
    bool is_value_of_member(std::size_t at) const {
        do --at;
        while (at > 0 && static_cast<unsigned char>(text_[at]) <= 0x20);
        return text_[at] == ':';
    }

    /// Finds the end of the value that begins at `at`.
    Span skip_value(std::size_t at) {
        const Span span = at_end(at)                             ? Span{at, Balance::unfinished}
                          : text_[at] == '"'                     ? skip_string(at)
                          : text_[at] == '{' || text_[at] == '[' ? skip_brackets(at)
                                                                 : skip_word(at);
        scanned_ += span.end - at;
        return span;
    }

    /// True if the opening bracket that matches the one at `close` is at `from` or later.
    bool opens_within(std::size_t from, std::size_t close) {
        open_.clear();
        scanned_ += close - from;
        for (std::size_t at = close + 1; at-- > from;) {
            const char c = text_[at];
            if (c == '"') {
                do at = at > from ? text_.rfind('"', at - 1) : kNowhere;
                while (at != kNowhere && at > from && is_escaped(at, from));
                if (at == kNowhere || at < from) return false;
            } else if (c == '}' || c == ']') {
                open_.push_back(c);
            } else if (c == '{' || c == '[') {
                if (open_.back() != (c == '{' ? '}' : ']')) return false;
                open_.pop_back();
                if (open_.empty()) return true;
            }
        }
        return false;
    }

  private:
    /// True if an odd number of backslashes, none of them before `start`, precedes `at`.
    bool is_escaped(std::size_t at, std::size_t start) const {
        const std::size_t first = at;
        while (at > start + 1 && text_[at - 1] == '\\') --at;
        return (first - at) % 2 == 1;
    }
    Span skip_string(std::size_t at) const {
        const std::size_t start = at;
        do at = text_.find('"', at + 1);
        while (at != kNowhere && text_[at - 1] == '\\' && is_escaped(at, start));
        return at == kNowhere ? Span{text_.size(), Balance::inside_string} : Span{at + 1, Balance::balanced};
    }
    Span skip_brackets(std::size_t at) {
        open_.clear();
        while (at < text_.size()) {
            const char c = text_[at];
            if (c == '"') {
                const Span inner = skip_string(at);
                if (!inner.good()) return inner;
                at = inner.end;
                continue;
            }
            ++at;
            if (c == '{' || c == '[') open_.push_back(c);
            if (c != '}' && c != ']') continue;
            if (open_.back() != (c == '}' ? '{' : '[')) return {at, Balance::mismatched};
            open_.pop_back();
            if (open_.empty()) return {at, Balance::balanced};
        }
        return {at, Balance::unfinished};
    }
    Span skip_word(std::size_t at) const {
        const std::size_t start = at;
        at = std::min(text_.find_first_of(" \t\r\n,:\"{}[]", at), text_.size());
        return {at, at == start ? Balance::mismatched : Balance::balanced};
    }

    std::string_view text_;
    std::string open_{};
    std::size_t scanned_ = 0;
};

}  // namespace glia
