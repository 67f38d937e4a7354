// The input of a record's hash: its leaves. A leaf is a path of names and positions, and a value.
//
// A leaf is written as the length of its path, the path, a character for the kind of value and the value.
// NUL, which no name contains, stands before each part of a path; a position in a list is eight hexadecimal
// digits.
// Paths are sorted as bytes. A list that is not empty has a leaf with its length. A time is hashed as a time,
// and so is a text in the form of the API's times (`2017-07-07T13:47:21.150Z`): a member that becomes
// documented as a time keeps its leaf.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sinks/fields/field.hpp"
#include "sinks/records.hpp"
#include "sinks/timestamp.hpp"

namespace glia::hashing {

/// A growing buffer that, unlike std::string, does not fill new bytes with zeros before they are written.
class LeafBytes {
  public:
    explicit LeafBytes(std::size_t capacity)
        : bytes_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

    std::string_view view() const { return {bytes_.get(), size_}; }
    /// Appends `size` uninitialised bytes and returns a pointer to them.
    char* add(std::size_t size) {
        if (size_ + size > capacity_) grow(2 * (size_ + size));
        char* const added = bytes_.get() + size_;
        size_ += size;
        return added;
    }

  private:
    void grow(std::size_t capacity);
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_;
};

/// Builds the bytes to hash: the format's version, then the leaves in the order in which they are written.
/// Paths are relative to the place entered last; an empty path is the place itself.
class LeafWriter {
  public:
    LeafWriter();
    LeafWriter(const LeafWriter&) = delete;
    LeafWriter& operator=(const LeafWriter&) = delete;

    void text(std::string_view path, std::string_view value) {
        if (const auto instant = time_of(value)) return time(path, *instant);
        bytes_of(path, 't', value);
    }
    void time(std::string_view path, Instant value) {
        number_of(path, 'd', static_cast<std::int64_t>(value.time_since_epoch().count()));
    }
    void integer(std::string_view path, std::int64_t value) { number_of(path, 'i', value); }
    void flag(std::string_view path, bool value) { begin(path, value ? '1' : '0', 0); }
    /// Writes the text of a number that integer() does not take: it is not whole, or too large.
    void number(std::string_view path, std::string_view value) { bytes_of(path, 'n', value); }
    void list_length(std::string_view path, std::size_t length) {
        number_of(path, '#', static_cast<std::uint64_t>(length));
    }

    /// RAII: while it exists, leaves are written below a place.
    class Place {
      public:
        Place(std::string& path, std::size_t outside) : path_(path), outside_(outside) {}
        ~Place() { path_.resize(outside_); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

      private:
        std::string& path_;
        std::size_t outside_;
    };
    /// Enters a path in the format of FieldPath.
    [[nodiscard]] Place enter(std::string_view path);
    [[nodiscard]] Place enter_member(std::string_view name);
    [[nodiscard]] Place enter_position(std::size_t position);

    /// Records where each later leaf begins, so that take() can sort the leaves. Not needed if they are
    /// written in order.
    void keep_order() { keeps_order_ = true; }
    /// Returns the bytes. After keep_order(), sorts the leaves by path; of two leaves with one path, the
    /// first written one is used.
    LeafBytes take() &&;

  private:
    /// Returns the time if the text has a date, a `T` and a time of day. The record reader accepts more
    /// forms of times, but here a text in one of them stays a text.
    static std::optional<Instant> time_of(std::string_view text) {
        constexpr std::size_t kShortest = std::string_view("2017-07-07T13:47Z").size(), kDateEnd = 10;
        if (text.size() < kShortest || text[kDateEnd] != 'T' || text[4] != '-') return std::nullopt;
        return parse_timestamp(text);
    }
    /// Writes the beginning of a leaf. Returns where the `size` bytes of its value belong. Inline, because
    /// the compiler then knows how long the path of a documented member is.
    char* begin(std::string_view path, char kind, std::size_t size) {
        if (keeps_order_) begins_.push_back(bytes_.view().size());
        const auto length = static_cast<std::uint32_t>(entered_.size() + path.size());
        char* to = bytes_.add(sizeof length + length + 1 + size);
        to = append(to, &length, sizeof length);
        to = append(to, entered_.data(), entered_.size());
        to = append(to, path.data(), path.size());
        *to = kind;
        return to + 1;
    }
    static char* append(char* to, const void* from, std::size_t size) {
        return std::copy_n(static_cast<const char*>(from), size, to);
    }
    template <typename Integer>
    void number_of(std::string_view path, char kind, Integer value) {
        append(begin(path, kind, sizeof value), &value, sizeof value);
    }
    void bytes_of(std::string_view path, char kind, std::string_view value) {
        const auto length = static_cast<std::uint64_t>(value.size());
        char* const to = begin(path, kind, sizeof length + value.size());
        append(append(to, &length, sizeof length), value.data(), value.size());
    }

    std::string_view path_at(std::size_t begin) const;

    LeafBytes bytes_;
    std::string entered_;
    bool keeps_order_ = false;
    std::vector<std::size_t> begins_;
};

/// Adds the leaves of a JSON value, such as a record's `extra`.
void add_json_leaves(LeafWriter& out, std::string_view json);

/// Writes the leaves of records of one list of fields.
template <typename List>
class RecordLeaves;

/// The path of a field in its record.
template <typename F>
constexpr auto path_of() {
    constexpr std::size_t kInner = F::inner.empty() ? 0 : 1 + F::inner.view().size();
    std::array<char, 1 + F::name.view().size() + kInner> path{};
    const auto end = std::copy(F::name.view().begin(), F::name.view().end(), path.begin() + 1);
    if constexpr (kInner > 0) std::copy(F::inner.view().begin(), F::inner.view().end(), end + 1);
    return path;
}
template <typename F>
struct FieldPath {
    static constexpr auto kBytes = path_of<F>();
    static constexpr std::string_view view() { return {kBytes.data(), kBytes.size()}; }
};

template <typename... Fields>
class RecordLeaves<FieldList<Fields...>> {
  public:
    using Record = typename FieldList<Fields...>::Record;

    /// Writes the leaves of documented members in the order of their paths, except the field `kExcluded`.
    template <Name kExcluded = "">
    static void write(LeafWriter& out, const Record& record) {
        write_sorted<kExcluded>(out, record, std::make_index_sequence<sizeof...(Fields)>{});
    }
    /// True if the record or an element of its lists has extra members.
    template <Name kExcluded = "">
    static bool has_extra(const Record& record) {
        return (field_has_extra<kExcluded, Fields>(record) || ...);
    }
    template <Name kExcluded = "">
    static void write_extra(LeafWriter& out, const Record& record) {
        (write_field_extra<kExcluded, Fields>(out, record), ...);
    }

  private:
    static constexpr std::array<std::size_t, sizeof...(Fields)> order() {
        const std::array<std::string_view, sizeof...(Fields)> paths{FieldPath<Fields>::view()...};
        std::array<std::size_t, sizeof...(Fields)> indexes{};
        for (std::size_t i = 0; i < indexes.size(); ++i) indexes[i] = i;
        std::sort(indexes.begin(), indexes.end(),
                  [&](std::size_t a, std::size_t b) { return paths[a] < paths[b]; });
        return indexes;
    }
    template <Name kExcluded, std::size_t... kAt>
    static void write_sorted(LeafWriter& out, const Record& record, std::index_sequence<kAt...>) {
        static constexpr auto kOrder = order();
        (write_field<kExcluded, std::tuple_element_t<kOrder[kAt], std::tuple<Fields...>>>(out, record), ...);
    }
    template <Name kExcluded, typename F>
    static void write_field(LeafWriter& out, const Record& record) {
        if constexpr (F::is_api_member && F::name.view() != kExcluded.view())
            write_value<F>(out, FieldPath<F>::view(), record.*F::member);
    }
    template <typename F, typename Value>
    static void write_value(LeafWriter& out, std::string_view path, const Value& value) {
        if constexpr (F::kind == FieldKind::list) {
            write_list<typename F::Elements>(out, path, value);
        } else if constexpr (std::is_same_v<Value, Instant>) {
            out.time(path, value);
        } else {
            if (!value) return;
            if constexpr (F::kind == FieldKind::time) out.time(path, *value);
            if constexpr (F::kind == FieldKind::seconds || F::kind == FieldKind::number)
                out.integer(path, *value);
            if constexpr (F::kind == FieldKind::texts) write_texts(out, path, *value);
            if constexpr (F::kind == FieldKind::flag) out.flag(path, *value);
            if constexpr (F::kind == FieldKind::id || F::kind == FieldKind::text) out.text(path, *value);
            if constexpr (F::kind == FieldKind::json) {
                const auto place = out.enter(path);
                add_json_leaves(out, *value);
            }
        }
    }
    static void write_texts(LeafWriter& out, std::string_view path, const std::vector<std::string>& list) {
        if (list.empty()) return;
        out.list_length(path, list.size());
        const auto place = out.enter(path);
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto element = out.enter_position(i);
            out.text("", list[i]);
        }
    }
    template <typename Elements, typename List>
    static void write_list(LeafWriter& out, std::string_view path, const List& list) {
        if constexpr (requires { list.has_value(); }) {
            if (list) write_list<Elements>(out, path, *list);
        } else {
            if (list.empty()) return;
            out.list_length(path, list.size());
            const auto place = out.enter(path);
            for (std::size_t i = 0; i < list.size(); ++i) {
                const auto element = out.enter_position(i);
                if constexpr (std::is_void_v<Elements>) {
                    if (list[i]) out.text("", *list[i]);
                } else {
                    RecordLeaves<Elements>::write(out, list[i]);
                }
            }
        }
    }

    template <Name kExcluded, typename F>
    static bool field_has_extra(const Record& record) {
        const auto& value = record.*F::member;
        if constexpr (F::is_extra) {
            return static_cast<bool>(value);
        } else if constexpr (F::kind == FieldKind::list && F::name.view() != kExcluded.view()) {
            return list_has_extra<typename F::Elements>(value);
        } else {
            return false;
        }
    }
    template <typename Elements, typename List>
    static bool list_has_extra(const List& list) {
        if constexpr (std::is_void_v<Elements>) {
            return false;
        } else if constexpr (requires { list.has_value(); }) {
            return list && list_has_extra<Elements>(*list);
        } else {
            return std::any_of(list.begin(), list.end(), [](const auto& element) {
                return RecordLeaves<Elements>::has_extra(element);
            });
        }
    }
    template <Name kExcluded, typename F>
    static void write_field_extra(LeafWriter& out, const Record& record) {
        const auto& value = record.*F::member;
        if constexpr (F::is_extra) {
            if (value) add_json_leaves(out, *value);
        } else if constexpr (F::kind == FieldKind::list && F::name.view() != kExcluded.view()) {
            const auto place = out.enter(FieldPath<F>::view());
            write_list_extra<typename F::Elements>(out, value);
        }
    }
    template <typename Elements, typename List>
    static void write_list_extra(LeafWriter& out, const List& list) {
        if constexpr (std::is_void_v<Elements>) {
        } else if constexpr (requires { list.has_value(); }) {
            if (list) write_list_extra<Elements>(out, *list);
        } else {
            for (std::size_t i = 0; i < list.size(); ++i) {
                const auto element = out.enter_position(i);
                RecordLeaves<Elements>::write_extra(out, list[i]);
            }
        }
    }
};

/// Returns the bytes to hash for a record.
template <typename List, Name kExcluded = "">
LeafBytes leaves_of(const typename List::Record& record) {
    LeafWriter out;
    using Leaves = RecordLeaves<List>;
    const bool extra = Leaves::template has_extra<kExcluded>(record);
    if (extra) out.keep_order();  // without extra members the leaves are written in order
    Leaves::template write<kExcluded>(out, record);
    if (extra) Leaves::template write_extra<kExcluded>(out, record);
    return std::move(out).take();
}
/// The same for a list of records.
template <typename List>
LeafBytes leaves_of_list(const RecordList<typename List::Record>& records) {
    LeafWriter out;
    using Leaves = RecordLeaves<List>;
    const bool extra = std::any_of(records.begin(), records.end(),
                                   [](const auto& record) { return Leaves::has_extra(record); });
    if (extra) out.keep_order();
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto element = out.enter_position(i);
        Leaves::write(out, records[i]);
        if (extra) Leaves::write_extra(out, records[i]);
    }
    return std::move(out).take();
}

}  // namespace glia::hashing
