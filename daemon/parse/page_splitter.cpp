#include "daemon/parse/page_splitter.hpp"

#include <simdjson.h>

#include <algorithm>
#include <set>

#include "daemon/parse/json_repair.hpp"
#include "sinks/fields/documented.hpp"

namespace glia {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

/// Walks text that may not be JSON. Positions are offsets into the text.
class Scanner {
  public:
    enum class Balance {
        balanced,
        mismatched,     ///< a bracket closes another than was opened
        inside_string,  ///< the text ends before its last quote
        unfinished      ///< the text ends with brackets open, all of them sound so far: it is cut off
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

    /// The value that begins at `at`.
    Span skip_value(std::size_t at) {
        const Span span = at_end(at)                             ? Span{at, Balance::unfinished}
                          : text_[at] == '"'                     ? skip_string(at)
                          : text_[at] == '{' || text_[at] == '[' ? skip_brackets(at)
                                                                 : skip_word(at);
        scanned_ += span.end - at;
        return span;
    }

    /// True if the bracket that the one at `close` closes is at `from` or behind.
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
    /// True if an odd number of backslashes stands before `at`, behind `start`.
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

using Balance = Scanner::Balance;

class PageSplitter {
  public:
    PageSplitter(std::string_view text, const ElementSink& sink) : scan_(text), sink_(sink) {}

    std::optional<SplitPage> run(std::string& why) {
        std::size_t at = scan_.skip_space(0);
        if (!scan_.is(at, '{')) {
            why = "the body is not an object";
            return std::nullopt;
        }
        const auto on_list = [this](std::size_t list) { return read_list(list); };
        if (!read_members(at + 1, page_, on_list)) {
            why = "the body is not valid JSON, and its records cannot be told apart";
            return std::nullopt;
        }
        if (recovered_ && !knows_link(page_)) {
            why = "a record is not valid JSON, and the link behind it cannot be read";
            return std::nullopt;
        }
        return page_;
    }

  private:
    /// What the search for a record may cost, in bytes scanned: this many times the text. Records are found
    /// within a few times; text that is made to be searched over and over gives up here.
    static constexpr std::size_t kMaxWork = 16;
    enum class Likeness { none, record, engagement };

    /// The members of the page from `at` to the end of the text. `on_list` is given where the list of
    /// engagements begins and returns where it ends.
    template <typename OnList>
    bool read_members(std::size_t at, SplitPage& page, const OnList& on_list) {
        for (;;) {
            at = scan_.skip_space(at, ",");
            if (scan_.is(at, '}')) return scan_.at_end(scan_.skip_space(at + 1));
            if (!scan_.is(at, '"')) return false;
            const auto key = scan_.skip_value(at);
            const std::string_view quoted = scan_.slice(at, key.end);
            at = scan_.skip_space(key.end);
            if (!key.good() || !scan_.is(at, ':')) return false;
            at = scan_.skip_space(at + 1);
            const bool engagements = quoted == "\"engagements\"";
            if (engagements && scan_.is(at, '[')) {
                page.has_list = true;
                page.engagements.reset();
                at = on_list(at);
                if (at == kNowhere) return false;
                continue;
            }
            const auto value = scan_.skip_value(at);
            if (!value.good()) return false;
            const std::string_view text = scan_.slice(at, value.end);
            if (engagements) {
                page.has_list = false;
                page.engagements = text;
            } else if (quoted == "\"next_page\"") {
                page.next_page = text;
            } else {
                // What follows a list that is not the page's own belongs to a record.
                if (recovered_ && is_member_of_engagement_alone(quoted.substr(1, quoted.size() - 2)))
                    return false;
                ++page.other_members;
            }
            at = value.end;
        }
    }

    /// True unless the text has a link that was not come across, behind or within what is broken.
    bool knows_link(const SplitPage& page) const {
        return page.next_page || scan_.text().find("\"next_page\"") == kNowhere;
    }

    /// True if a page can go on and end as it does from `at`, behind the list's last bracket.
    bool ends_well(std::size_t at) {
        if (exhausted()) return false;
        SplitPage rest;
        rest.next_page = page_.next_page;
        const auto skip = [this](std::size_t list) {
            const auto span = scan_.skip_value(list);
            return span.good() ? span.end : kNowhere;
        };
        return read_members(at, rest, skip) && (!recovered_ || knows_link(rest));
    }

    /// Reads the elements of the list that begins at `at`; where it ends, or nowhere.
    std::size_t read_list(std::size_t at) {
        sink_.restart();
        for (++at;;) {
            at = scan_.skip_space(at, ",");
            if (scan_.at_end(at)) return kNowhere;
            if (scan_.is(at, ']') && ends_well(at + 1)) return at + 1;
            const auto span = scan_.skip_value(at);
            const bool separate = span.good() && is_separate(span.end);
            if (separate && sink_.read(scan_.slice(at, span.end))) {
                at = span.end;
                continue;
            }
            if (span.good() && scan_.at_end(scan_.skip_space(span.end)) &&
                likeness_of(scan_.slice(at, span.end)) != Likeness::none)
                return kNowhere;  // cut off behind a record
            recovered_ = true;
            std::size_t end = next_record(at + 1);
            if (separate) end = std::min(end, span.end);
            if (end == kNowhere && span.balance != Balance::unfinished) end = end_of_list(at + 1);
            if (end == kNowhere) return kNowhere;
            // A bracket too many behind a record does not make the record a broken one.
            if (span.good() && !separate && span.end <= end && is_nothing(scan_.slice(span.end, end)) &&
                sink_.read(scan_.slice(at, span.end))) {
                at = span.end;
                continue;
            }
            std::string_view broken = scan_.slice(at, end);
            while (!broken.empty() &&
                   (static_cast<unsigned char>(broken.back()) <= 0x20 || broken.back() == ','))
                broken.remove_suffix(1);
            sink_.refuse(broken);
            at = end;
        }
    }

    /// True if an element can end at `at`; not so if a member follows, which an early bracket has cut off.
    bool is_separate(std::size_t at) {
        at = scan_.skip_space(at);
        if (scan_.is(at, ']') || scan_.is(at, '{')) return true;
        if (!scan_.is(at, ',')) return false;
        at = scan_.skip_space(at, ",");
        if (scan_.text().substr(scan_.skip_space(at, "}")).starts_with("\"id\""))
            return true;  // of the next one
        if (scan_.at_end(at) || scan_.is(at, '}')) return false;
        return !scan_.is(at, '"') || !scan_.is(scan_.skip_space(scan_.skip_value(at).end), ':');
    }

    static bool is_nothing(std::string_view text) {
        return text.find_first_not_of(" \t\r\n,]}") == std::string_view::npos;
    }

    bool exhausted() const { return scan_.scanned() > kMaxWork * scan_.text().size() + (1U << 20); }

    /// The first record from `at` on, by how it looks and what follows it; or nowhere.
    std::size_t next_record(std::size_t at) {
        for (; (at = scan_.text().find('{', at)) != kNowhere; ++at) {
            if (exhausted()) return kNowhere;
            if (scan_.is(scan_.skip_space(at + 1), '"') && !misleading_.contains(at) && leads_on(at))
                return at;
        }
        return kNowhere;
    }

    /// True if records follow each other from `at` to the end of the page, or to the next broken one.
    bool leads_on(std::size_t at) {
        std::set<std::size_t> seen;
        Likeness best = Likeness::none;
        for (;;) {
            const auto span = scan_.skip_value(at);
            const std::size_t next = scan_.skip_space(span.end);
            const bool complete = span.good() && (scan_.is(next, ']') || is_separate(next));
            const Likeness likeness = complete ? likeness_of(scan_.slice(at, span.end)) : Likeness::none;
            // A record may hold a list of objects that have `id` and `created_at` too. If the next one is
            // broken, it takes more to be sure that these are engagements.
            if (likeness == Likeness::none) return best == Likeness::engagement;
            best = std::max(best, likeness);
            seen.insert(at);
            at = scan_.skip_space(next, ",");
            if (scan_.is(at, ']')) break;
        }
        if (ends_well(at + 1)) return true;
        misleading_.merge(seen);
        return false;
    }

    Likeness likeness_of(std::string_view text) {
        simdjson::dom::object record;
        simdjson::dom::element member;
        if (!text.starts_with('{') || parser_.parse(repair_for_dom(text)).get(record) != simdjson::SUCCESS)
            return Likeness::none;
        for (const char* name : {"id", "created_at"}) {
            if (record[name].get(member) != simdjson::SUCCESS || !member.is_string()) return Likeness::none;
        }
        const auto documented = [](const auto& field) { return is_member_of_engagement_alone(field.key); };
        return std::any_of(record.begin(), record.end(), documented) ? Likeness::engagement
                                                                     : Likeness::record;
    }

    /// The bracket that ends the list of which `at` is the last element; or nowhere.
    std::size_t end_of_list(std::size_t at) {
        for (std::size_t end = scan_.text().rfind(']'); end != kNowhere && end >= at;
             end = scan_.text().rfind(']', end - 1)) {
            if (exhausted()) return kNowhere;
            if (ends_well(end + 1) && !scan_.opens_within(at, end)) return end;
        }
        return kNowhere;
    }

    Scanner scan_;
    const ElementSink& sink_;
    SplitPage page_{};
    bool recovered_ = false;  // something did not balance
    std::set<std::size_t> misleading_{};
    simdjson::dom::parser parser_{};
};

}  // namespace

std::optional<SplitPage> split_page(std::string_view text, const ElementSink& sink, std::string& why) {
    return PageSplitter(text, sink).run(why);
}

std::optional<std::vector<std::string_view>> split_list(std::string_view text) {
    Scanner scan(text);
    std::size_t at = scan.skip_space(0);
    if (!scan.is(at, '[')) return std::nullopt;
    std::vector<std::string_view> elements;
    for (++at;;) {
        at = scan.skip_space(at, ",");
        if (scan.is(at, ']')) break;
        const auto span = scan.skip_value(at);
        if (!span.good()) return std::nullopt;
        elements.push_back(scan.slice(at, span.end));
        at = span.end;
    }
    if (!scan.at_end(scan.skip_space(at + 1))) return std::nullopt;
    return elements;
}

std::optional<std::string_view> find_member(std::string_view object, std::string_view name) {
    Scanner scan(object);
    std::optional<std::string_view> found;
    for (std::size_t at = scan.skip_space(0, "{"); scan.is(at, '"'); at = scan.skip_space(at, ",")) {
        const auto key = scan.skip_value(at);
        const std::string_view quoted = scan.slice(at, key.end);
        const std::size_t colon = scan.skip_space(key.end);
        if (!key.good() || !scan.is(colon, ':')) break;
        at = scan.skip_space(colon + 1);
        const auto value = scan.skip_value(at);
        if (!value.good()) break;
        if (quoted.substr(1, quoted.size() - 2) == name) found = scan.slice(at, value.end);
        at = value.end;
    }
    return found;
}

bool is_balanced_object(std::string_view text) {
    Scanner scan(text);
    const std::size_t at = scan.skip_space(0);
    if (!scan.is(at, '{')) return false;
    const auto span = scan.skip_value(at);
    return span.good() && scan.at_end(scan.skip_space(span.end));
}

}  // namespace glia
