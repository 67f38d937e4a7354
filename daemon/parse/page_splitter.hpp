// Cuts a page that is not valid JSON as a whole into records, so that one broken record costs one record
// (DESIGN.md §3.5).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace glia {

/// Receives the elements of the list, in their order.
struct ElementSink {
    /// Reads one element. False, and nothing has happened, if its text is not JSON even after repair_json().
    std::function<bool(std::string_view text)> read;
    /// An element that is not JSON, or neighbouring ones that cannot be told apart.
    std::function<void(std::string_view text)> refuse;
    /// A list begins; of two lists the last counts.
    std::function<void()> restart;
};

/// What a page consists of besides its records, as it stands in the text.
struct SplitPage {
    std::optional<std::string_view> engagements;  ///< the value if it is not a list
    bool has_list = false;
    std::optional<std::string_view> next_page;
    std::size_t other_members = 0;
};

/// Cuts the text of a page by its quotes and brackets. Where those of a record do not balance, the next
/// record is searched for: an object with `id` and `created_at` from where on the rest of the text can be
/// read. None, with the reason in `why`, if the text is no object, if it is cut off, or if it cannot be told
/// where the list ends or which link follows it: a page must never look shorter than it is, or engagements
/// would be skipped.
std::optional<SplitPage> split_page(std::string_view text, const ElementSink& sink, std::string& why);

/// The elements of a list that is a whole document, cut by quotes and brackets alone; none if they do not
/// balance.
std::optional<std::vector<std::string_view>> split_list(std::string_view text);

/// The value of the last of an object's members that has this name, as it stands in the text, which may be
/// broken: members are read as far as they go.
std::optional<std::string_view> find_member(std::string_view object, std::string_view name);

/// True if the text is one object whose quotes and brackets balance.
bool is_balanced_object(std::string_view text);

}  // namespace glia
