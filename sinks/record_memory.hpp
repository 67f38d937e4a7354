// Arena-backed strings and lists. A record parsed from a response borrows from the response's body and arena,
// so that a page needs a handful of allocations instead of thousands. A copied record owns its memory. The
// API is the same. By hand: std::pmr stores a pointer in every string and copies each text. Thousands of
// small allocations per page took most of the time of parse_page in tests/bench.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace glia {

/// An arena: allocates piece by piece and frees everything at once. One thread allocates; any thread may
/// read.
class RecordMemory {
  public:
    /// `expected`: an estimate of the bytes to allocate. The arena owns `body` at a fixed address, so records
    /// may borrow from it.
    explicit RecordMemory(std::size_t expected, std::string body = {})
        : body_(std::move(body)), slab_size_(std::max<std::size_t>(expected, 256)) {}
    RecordMemory(const RecordMemory&) = delete;
    RecordMemory& operator=(const RecordMemory&) = delete;

    /// Returns uninitialised memory.
    void* allocate(std::size_t bytes, std::size_t alignment) {
        const std::size_t gap = (alignment - reinterpret_cast<std::uintptr_t>(at_)) & (alignment - 1);
        if (left_ < bytes + gap) return allocate_slab(bytes);
        void* const place = at_ + gap;
        at_ += bytes + gap;
        left_ -= bytes + gap;
        return place;
    }
    /// Copies `text` into the arena.
    std::string_view keep(std::string_view text) {
        char* const place = static_cast<char*>(allocate(text.size(), 1));
        std::copy_n(text.data(), text.size(), place);
        return {place, text.size()};
    }
    std::string& body() { return body_; }

  private:
    void* allocate_slab(std::size_t bytes) {
        const std::size_t size = std::max(bytes, slab_size_);
        slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
        if (bytes > slab_size_ / 2 && left_ > 0) return slabs_.back().get();  // keeps using the previous slab
        at_ = slabs_.back().get() + bytes;
        left_ = size - bytes;
        return slabs_.back().get();
    }

    std::string body_;
    std::size_t slab_size_;
    std::byte* at_ = nullptr;
    std::size_t left_ = 0;
    std::vector<std::unique_ptr<std::byte[]>> slabs_;
};

/// Keeps the arena that a record borrows from. Must be the record's first member, so that it is destroyed
/// last and both arenas exist while a record is assigned. A copy of a record borrows nothing.
class MemoryHold {
  public:
    MemoryHold() = default;
    explicit MemoryHold(std::shared_ptr<RecordMemory> memory) : memory_(std::move(memory)) {}
    MemoryHold(const MemoryHold&) noexcept {}
    MemoryHold(MemoryHold&&) noexcept = default;
    // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): it does nothing
    MemoryHold& operator=(const MemoryHold&) noexcept { return *this; }
    MemoryHold& operator=(MemoryHold&& other) noexcept {
        memory_.swap(other.memory_);
        return *this;
    }
    ~MemoryHold() = default;
    /// Always equal: it is not part of the record's value.
    bool operator==(const MemoryHold&) const { return true; }

  private:
    std::shared_ptr<RecordMemory> memory_;
};

/// A text or none, like std::optional<std::string>. Throws std::length_error for 4 GiB or more.
class RecordText {
  public:
    RecordText() noexcept = default;
    RecordText(std::nullopt_t) noexcept {}
    RecordText(std::string_view text) : size_(checked(text.size())), owned_(true) {
        char* const place = new char[text.size()];
        std::copy_n(text.data(), text.size(), place);
        data_ = place;
    }
    RecordText(const std::string& text) : RecordText(std::string_view(text)) {}
    RecordText(const char* text) : RecordText(std::string_view(text)) {}
    RecordText(const std::optional<std::string>& text)
        : RecordText(text ? RecordText(std::string_view(*text)) : RecordText()) {}
    RecordText(const RecordText& other) : RecordText(other ? RecordText(*other) : RecordText()) {}
    RecordText(RecordText&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(other.size_),
          owned_(std::exchange(other.owned_, false)) {}
    RecordText& operator=(RecordText other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~RecordText() {
        if (owned_) delete[] data_;
    }

    /// Borrows `text`, which must outlive the result.
    static RecordText borrowed(std::string_view text) {
        RecordText result;
        result.borrow(text);
        return result;
    }
    /// Borrows the text of `other`, which must outlive the result.
    static RecordText borrow_of(const RecordText& other) { return other ? borrowed(*other) : RecordText(); }
    /// Replaces the text by a borrowed one.
    void borrow(std::string_view text) {
        const std::uint32_t size = checked(text.size());
        if (owned_) delete[] data_;
        data_ = text.data() ? text.data() : "";
        size_ = size;
        owned_ = false;
    }

    bool has_value() const noexcept { return data_ != nullptr; }
    explicit operator bool() const noexcept { return has_value(); }
    /// The text; empty if there is none.
    std::string_view operator*() const noexcept { return {data_, size_}; }
    std::string_view value_or(std::string_view other) const noexcept { return data_ ? **this : other; }
    std::string str() const { return std::string(**this); }
    void reset() noexcept {
        if (owned_) delete[] data_;
        data_ = nullptr;
        size_ = 0;
        owned_ = false;
    }

    friend bool operator==(const RecordText& a, const RecordText& b) noexcept {
        return a.has_value() == b.has_value() && *a == *b;
    }
    friend bool operator==(const RecordText& a, std::nullopt_t) noexcept { return !a; }
    template <typename Other>
        requires std::convertible_to<const Other&, std::string_view>
    friend bool operator==(const RecordText& a, const Other& b) noexcept {
        return a && *a == std::string_view(b);
    }

  private:
    static std::uint32_t checked(std::size_t size) {
        if (size > UINT32_MAX) throw std::length_error("a text of over 4 GiB");
        return static_cast<std::uint32_t>(size);
    }

    const char* data_ = nullptr;
    std::uint32_t size_ = 0;
    bool owned_ = false;
};

/// A list of fixed length.
template <typename T>
class RecordList {
  public:
    using Element = T;

    RecordList() noexcept = default;
    RecordList(std::vector<T> elements) : RecordList(elements.size()) {
        std::move(elements.begin(), elements.end(), begin());
    }
    RecordList(std::initializer_list<T> elements) : RecordList(elements.size()) {
        std::copy(elements.begin(), elements.end(), begin());
    }
    RecordList(const RecordList& other) : RecordList(other.size()) {
        std::copy(other.begin(), other.end(), begin());
    }
    RecordList(RecordList&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          owned_(std::exchange(other.owned_, false)) {}
    RecordList& operator=(RecordList other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~RecordList() {
        if (owned_) {
            delete[] data_;
        } else {
            std::destroy_n(data_, size_);
        }
    }

    /// Moves the elements of `from` into `memory`, which must outlive the list. Leaves `from` empty.
    static RecordList borrowed(std::vector<T>& from, RecordMemory& memory) {
        RecordList list;
        if (from.empty()) return list;
        list.data_ = static_cast<T*>(memory.allocate(from.size() * sizeof(T), alignof(T)));
        std::uninitialized_move(from.begin(), from.end(), list.data_);
        list.size_ = static_cast<std::uint32_t>(from.size());
        from.clear();
        return list;
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    void clear() noexcept { *this = RecordList(); }
    T* begin() noexcept { return data_; }
    T* end() noexcept { return data_ + size_; }
    const T* begin() const noexcept { return data_; }
    const T* end() const noexcept { return data_ + size_; }
    T& operator[](std::size_t index) { return data_[index]; }
    const T& operator[](std::size_t index) const { return data_[index]; }
    /// Throws std::out_of_range.
    T& at(std::size_t index) { return data_[checked(index)]; }
    const T& at(std::size_t index) const { return data_[checked(index)]; }

    friend bool operator==(const RecordList& a, const RecordList& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

  private:
    std::size_t checked(std::size_t index) const {
        if (index >= size_) throw std::out_of_range("an index beyond the end of a list");
        return index;
    }
    explicit RecordList(std::size_t size)
        : data_(size ? new T[size] : nullptr), size_(static_cast<std::uint32_t>(size)), owned_(size != 0) {}

    T* data_ = nullptr;
    std::uint32_t size_ = 0;
    bool owned_ = false;
};

}  // namespace glia
