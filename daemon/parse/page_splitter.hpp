// Cuts a page that is not valid JSON as a whole into records, so that one broken record costs one record
// (DESIGN.md §3.5).
// By hand: simdjson and Boost.JSON refuse a whole document for one wrong byte.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// Receives the elements of the list in order.
struct ElementSink {
    /// Reads one element. Returns false without an effect if its text is not JSON even after repair_json().
    std::function<bool(std::string_view text)> read;
    /// Called with an element that is not JSON, or with adjacent elements that cannot be separated.
    std::function<void(std::string_view text)> refuse;
    /// Called at the start of a list. If a page has two lists, the last one is used.
    std::function<void()> restart;
};

/// The parts of a page besides its records, as raw text.
struct SplitPage {
    std::optional<std::string_view> engagements;  ///< the value of `engagements` if it is not a list
    bool has_list = false;
    std::optional<std::string_view> next_page;
    std::size_t other_members = 0;
};

/// Splits the text of a page by its quotes and brackets. If a record's brackets do not balance, searches for
/// the next record: an object with `id` and `created_at` after which the rest of the text can be read.
/// Returns none, with the reason in `why`, if the text is not an object, is cut off, or if the end of the
/// list or the link after it is uncertain: a page must never appear shorter than it is, or engagements would
/// be skipped.
std::optional<SplitPage> split_page(std::string_view text, const ElementSink& sink, std::string& why);

/// Splits a document that is a list into its elements, by quotes and brackets alone. Returns none if they do
/// not balance.
std::optional<std::vector<std::string_view>> split_list(std::string_view text);

/// Finds a member of an object and returns its raw text; of duplicate names, the last. The object may be
/// broken: members are read up to the first fault.
std::optional<std::string_view> find_member(std::string_view object, std::string_view name);

/// True if the text is one object whose quotes and brackets balance.
bool is_balanced_object(std::string_view text);

}  // namespace glia
