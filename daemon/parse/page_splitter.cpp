#include "daemon/parse/page_splitter.hpp"

#include <simdjson.h>

#include <algorithm>
#include <set>

#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/scanner.hpp"
#include "sinks/fields/documented.hpp"

namespace glia {
namespace {

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
            why = "the body is not valid JSON, and its records cannot be separated";
            return std::nullopt;
        }
        if (recovered_ && !knows_link(page_)) {
            why = "a record is not valid JSON, and the link behind it cannot be read";
            return std::nullopt;
        }
        return page_;
    }

  private:
    /// Bounds the bytes that the search for records scans: kMaxWork times the text's length, but at least
    /// kMinWork (about half a second). Honest text needs a few passes, and a page whose records are all
    /// broken needs one for each record. The bound stops the quadratic cost of malicious text.
    static constexpr std::size_t kMaxWork = 16;
    static constexpr std::size_t kMinWork = std::size_t{64} << 20;
    enum class Likeness { none, record, engagement };

    /// Reads the members of the page from `at` to the end of the text. `on_list` is called with the start of
    /// the list of engagements and returns its end.
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
                // A member of an engagement here means that the list that has just ended was inside a record.
                if (recovered_ && is_member_of_engagement_alone(quoted.substr(1, quoted.size() - 2)))
                    return false;
                ++page.other_members;
            }
            at = value.end;
        }
    }

    /// False if the text has a `next_page` that was not read, because it is inside or after a broken part.
    bool knows_link(const SplitPage& page) const {
        return page.next_page || scan_.text().find("\"next_page\"") == kNowhere;
    }

    /// Reads the members from `at`, which follows the list's last bracket, to the end of the page. Returns
    /// none if they are no valid end of a page.
    std::optional<SplitPage> read_end(std::size_t at) {
        if (exhausted()) return std::nullopt;
        SplitPage end;
        end.next_page = page_.next_page;
        const auto skip = [this](std::size_t list) {
            const auto span = scan_.skip_value(list);
            return span.good() ? span.end : kNowhere;
        };
        if (!read_members(at, end, skip) || (recovered_ && !knows_link(end))) return std::nullopt;
        return end;
    }
    bool ends_well(std::size_t at) { return read_end(at).has_value(); }

    /// Reads the elements of the list that begins at `at`. Returns the list's end, or kNowhere.
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
                return kNowhere;  // the text is cut off after a complete record
            recovered_ = true;
            std::size_t end = next_record(at + 1);
            if (separate && !is_closed_too_early(span.end, end)) end = std::min(end, span.end);
            if (end == kNowhere && (span.balance != Balance::unfinished || !page_.next_page))
                end = end_of_list(at + 1);
            if (end == kNowhere) return kNowhere;
            // A superfluous bracket after a record does not break the record.
            if (span.good() && !separate && span.end <= end &&
                is_only_separators(scan_.slice(span.end, end)) && sink_.read(scan_.slice(at, span.end))) {
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

    /// True if an element can end at `at`. False if a member follows: then a superfluous bracket has closed
    /// the record too early.
    bool is_separate(std::size_t at) {
        at = scan_.skip_space(at);
        if (scan_.is(at, ']') || scan_.is(at, '{')) return true;
        if (!scan_.is(at, ',')) return false;
        at = scan_.skip_space(at, ",");
        if (scan_.text().substr(scan_.skip_space(at, "}")).starts_with("\"id\""))
            return true;  // the start of the next element, whose opening bracket is missing
        if (scan_.at_end(at) || scan_.is(at, '}')) return false;
        return !scan_.is(at, '"') || !scan_.is(scan_.skip_space(scan_.skip_value(at).end), ':');
    }

    /// True if a broken element that seems to end at `at` has been closed by a superfluous bracket, and what
    /// follows up to `next`, the next record, is the rest of it. If the record has no second fault, its rest
    /// contains an unmatched closing bracket or goes on with a member.
    bool is_closed_too_early(std::size_t at, std::size_t next) {
        if (at < separate_until_) return false;
        while ((at = scan_.skip_space(at, ",")) != next && !scan_.at_end(at) && !exhausted()) {
            if (scan_.is(at, ']') && ends_well(at + 1)) break;
            if (scan_.is(at, ']') || scan_.is(at, '}')) return true;
            const auto span = scan_.skip_value(at);
            if (!span.good()) break;  // a second fault: the next element is broken too
            if (!is_separate(span.end)) return true;
            at = span.end;
        }
        separate_until_ = at;
        return false;
    }

    static bool is_only_separators(std::string_view text) {
        return text.find_first_not_of(" \t\r\n,]}") == std::string_view::npos;
    }

    bool exhausted() const { return scan_.scanned() > std::max(kMaxWork * scan_.text().size(), kMinWork); }

    /// Finds the next record from `at` on by its members and by what follows it. Returns kNowhere if there is
    /// none. Is called with ascending positions.
    std::size_t next_record(std::size_t at) {
        if (next_record_ && at <= *next_record_) return *next_record_;
        for (; (at = scan_.text().find('{', at)) != kNowhere; ++at) {
            if (exhausted()) return kNowhere;
            if (scan_.is(scan_.skip_space(at + 1), '"') && !scan_.is_value_of_member(at) &&
                !misleading_.contains(at) && leads_on(at))
                break;
        }
        next_record_ = at;
        return at;
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
            // Objects of a list inside a record may have `id` and `created_at` too. If the next object is
            // broken, the objects count as records only if one has a member that only engagements have.
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

    /// Finds the bracket that ends the list whose last element is at `at`. Returns kNowhere if there is none.
    /// A text that is cut off inside that element may end like a page, with a bracket of the element's own.
    /// So a bracket that opens in the element counts only if the page's link follows it.
    std::size_t end_of_list(std::size_t at) {
        for (std::size_t list_end = scan_.text().rfind(']'); list_end != kNowhere && list_end >= at;
             list_end = scan_.text().rfind(']', list_end - 1)) {
            if (exhausted()) return kNowhere;
            const auto end = read_end(list_end + 1);
            const bool link_behind = end && end->next_page && !page_.next_page;
            if (end && (link_behind || !scan_.opens_within(at, list_end))) return list_end;
        }
        return kNowhere;
    }

    Scanner scan_;
    const ElementSink& sink_;
    SplitPage page_{};
    bool recovered_ = false;  // a broken part was skipped
    std::set<std::size_t> misleading_{};
    std::optional<std::size_t> next_record_{};  // what next_record() found last
    std::size_t separate_until_ = 0;            // how far is_closed_too_early() found separate elements
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
