// Walks the members of a simdjson On-Demand object in any order. Only sources in daemon/parse include it.
// By hand: simdjson 3.0 searches an object once for each member. Measured by parse_page in tests/bench.
#pragma once

#include <simdjson.h>

#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "daemon/parse/value_reader.hpp"
#include "sinks/fields/field.hpp"

namespace glia {

/// Returns where a string ends or has its first escape. Needs no bound: simdjson has checked that the string
/// ends, and pads the body, so that the 32-byte loads stay within it.
[[gnu::always_inline]] inline const char* end_or_escape(const char* at) {
#ifdef __SSE2__
    const __m128i quotes = _mm_set1_epi8('"'), backslashes = _mm_set1_epi8('\\');
    const auto found_in = [&](const char* from) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        return static_cast<unsigned>(_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, backslashes))));
    };
    for (;; at += 2 * sizeof(__m128i)) {  // most texts end within the first 32 bytes: one predictable branch
        const unsigned found = found_in(at) | found_in(at + sizeof(__m128i)) << 16;
        if (found != 0) return at + std::countr_zero(found);
    }
#else
    while (*at != '"' && *at != '\\') ++at;
    return at;
#endif
}

inline std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

/// A fast path for the API's many small objects: exactly the expected members in the expected order, all of
/// them strings without escapes, and no white space. Reads the raw bytes and does not advance simdjson: the
/// parent skips the value.
class PlainObject {
  public:
    explicit PlainObject(simdjson::ondemand::value& value) : at_(value.raw_json_token().data()) {}

    /// Returns false if the next member has another name or another form.
    template <std::size_t N>
    [[gnu::always_inline]] bool next(const Name<N>& name, std::string_view& text) {
        // Compares `{"name":"` or `,"name":"`.
        if (at_[0] != before_ || at_[1] != '"' || std::memcmp(at_ + 2, name.text, N - 1) != 0 ||
            std::memcmp(at_ + 2 + (N - 1), "\":\"", 3) != 0)
            return false;
        const char* const begin = at_ + 2 + (N - 1) + 3;
        const char* const end = end_or_escape(begin);
        text = between(begin, end);
        at_ = end + 1;
        before_ = ',';
        return *end == '"';
    }
    bool ended() const { return *at_ == '}'; }

  private:
    const char* at_;
    char before_ = '{';
};

/// Iterates over the members of an object.
class Members {
  public:
    explicit Members(simdjson::ondemand::object& object)
        : at_(object.begin().value()), end_(object.end().value()) {
        load();
    }

    bool more() const { return raw_ != kNoName; }
    /// True if the next member has this name, as it stands in the body.
    template <std::size_t N>
    bool next_is(const Name<N>& name) const {
        static_assert(N <= sizeof kNoName);
        return std::memcmp(raw_, name.text, N - 1) == 0 && raw_[N - 1] == '"';
    }
    /// Unescapes the next member's name, for next_is(). Returns false and changes nothing if it has no
    /// escapes or is unescaped already.
    bool unescape() {
        if (unescaped_ || *end_or_escape(raw_) == '"') return false;
        const std::string_view name = field_->value_unsafe().unescaped_key();
        unescaped_ = std::make_unique<std::string>(name);
        unescaped_->append(sizeof kNoName, '"');
        // A name with a quote in it must match no expected name, although next_is() stops at a quote.
        raw_ = unescaped_->c_str() + (name.find('"') == std::string_view::npos ? 0 : name.size());
        return true;
    }
    std::string_view name() const {
        if (unescaped_) return std::string_view(*unescaped_).substr(0, unescaped_->size() - sizeof kNoName);
        return between(raw_, end_or_escape(raw_));
    }
    simdjson::ondemand::value& value() { return field_->value_unsafe().value(); }
    [[gnu::always_inline]] void step() {
        ++at_;
        load();
    }

  private:
    using Field = simdjson::simdjson_result<simdjson::ondemand::field>;
    // Longer than any expected name.
    static constexpr char kNoName[64] = {};

    [[gnu::always_inline]] void load() {
        unescaped_.reset();
        if (at_ == end_) {
            raw_ = kNoName;
            return;
        }
        field_ = new (room_) Field(*at_);
        if (field_->error() != simdjson::SUCCESS) throw simdjson::simdjson_error(field_->error());
        raw_ = field_->value_unsafe().key().raw();
    }

    simdjson::ondemand::object_iterator at_, end_;
    alignas(Field) std::byte room_[sizeof(Field)];
    Field* field_ = nullptr;
    const char* raw_ = kNoName;
    std::unique_ptr<std::string> unescaped_{};
};

/// Reads the next member if it is `Member`. A value of another type than documented goes to `unknown`.
template <typename Member, typename Reader, typename Record, typename Unknown>
bool take(Reader& reader, Members& members, Record& record, Unknown& unknown) {
    if (!members.next_is(Member::kName)) return false;
    if (!Member::read(reader, members.value(), record, unknown)) [[unlikely]]
        unknown.add_documented(Member::kName.view(), members.value());
    members.step();
    return true;
}

/// Reads the known `MemberTypes` into `record` and adds all other members to `unknown`. A type's `kName` is
/// the name of its member; its `read(reader, value, record, unknown)` reads it and returns false for a value
/// of another type. null is an object without members. Returns false and reads nothing if `value` is neither
/// an object nor null. If the members come in the order of `MemberTypes`, each costs one comparison, which
/// the CPU predicts. Any other order works but is slower.
template <typename... MemberTypes, typename Reader, typename Record, typename Unknown>
bool read_object(Reader& reader, simdjson::ondemand::value& value, Record& record, Unknown& unknown) {
    simdjson::ondemand::object object;
    const auto error = value.get_object().get(object);
    if (error != simdjson::SUCCESS) return is_null_instead(value, error);
    Members members(object);
    while (members.more()) {
        bool any = false;
        ((any |= take<MemberTypes>(reader, members, record, unknown)), ...);
        if (any || members.unescape()) continue;
        unknown.add(members.name(), members.value());
        members.step();
    }
    if (unknown.holds_documented()) [[unlikely]]
        unknown.expect_distinct(object);
    return true;
}

/// Calls `element(value)` for each element. null is an empty list. Returns false if `value` is neither a list
/// nor null.
template <typename Element>
bool read_array(simdjson::ondemand::value& value, const Element& element) {
    simdjson::ondemand::array array;
    const auto error = value.get_array().get(array);
    if (error != simdjson::SUCCESS) return is_null_instead(value, error);
    for (auto entry : array) {
        simdjson::ondemand::value inner = entry.value();
        element(inner);
    }
    return true;
}

}  // namespace glia
