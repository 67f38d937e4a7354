#include "sinks/hash_leaves.hpp"

#include <simdjson.h>

#include <cmath>
#include <numeric>

#include "sinks/content_hash.hpp"
#include "sinks/timestamp.hpp"

namespace glia::hashing {
namespace {

// Bytes. Enough for an engagement with about two legs.
constexpr std::size_t kUsualSize = 4096;

/// Parses a time in the API's usual form. The record reader accepts more forms, but here a text in one of
/// them stays a text.
std::optional<Instant> time_of(std::string_view text) {
    constexpr std::size_t kShortest = std::string_view("2017-07-07T13:47Z").size(), kDateEnd = 10;
    if (text.size() < kShortest || text[kDateEnd] != 'T' || text[4] != '-') return std::nullopt;
    return parse_timestamp(text);
}

void add_element(LeafWriter& out, simdjson::dom::element value) {
    using Type = simdjson::dom::element_type;
    constexpr std::string_view kHere;
    switch (value.type()) {
        case Type::OBJECT:
            for (const auto [name, member] : simdjson::dom::object(value)) {
                const auto place = out.enter_member(name);
                add_element(out, member);
            }
            return;
        case Type::ARRAY: {
            const simdjson::dom::array elements(value);
            if (elements.size() > 0) out.list_length(kHere, elements.size());
            std::size_t position = 0;
            for (const simdjson::dom::element element : elements) {
                const auto place = out.enter_position(position++);
                add_element(out, element);
            }
            return;
        }
        case Type::STRING:
            return out.text(kHere, std::string_view(value));
        case Type::BOOL:
            return out.flag(kHere, bool(value));
        case Type::INT64:
            return out.integer(kHere, std::int64_t(value));
        case Type::NULL_VALUE:
            return;
        default: {
            // Treats 10.0 as a whole number, like the reader of documented members.
            double number = 0;
            constexpr double kLargestExact = 9e15;
            if (value.get_double().get(number) == simdjson::SUCCESS && std::trunc(number) == number &&
                std::abs(number) <= kLargestExact)
                return out.integer(kHere, static_cast<std::int64_t>(number));
            return out.number(kHere, simdjson::minify(value));
        }
    }
}

}  // namespace

LeafWriter::LeafWriter() {
    bytes_.reserve(kUsualSize);
    bytes_.push_back(static_cast<char>(RecordHash::kCurrent));
}

template <typename Integer>
void LeafWriter::raw(Integer value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

LeafWriter::Place LeafWriter::enter(std::string_view path) {
    const std::size_t outside = entered_.size();
    entered_ += path;
    return Place(entered_, outside);
}

LeafWriter::Place LeafWriter::enter_member(std::string_view name) {
    const std::size_t outside = entered_.size();
    entered_.push_back('\0');
    entered_ += name;
    return Place(entered_, outside);
}

LeafWriter::Place LeafWriter::enter_position(std::size_t position) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::array<char, 9> part{};  // NUL, and eight digits
    for (std::size_t at = part.size(); at-- > 1; position >>= 4) part[at] = kDigits[position & 15];
    return enter({part.data(), part.size()});
}

void LeafWriter::begin(std::string_view path, char kind) {
    if (keeps_order_) leaves_.push_back({entered_ + std::string(path), bytes_.size()});
    raw(static_cast<std::uint32_t>(entered_.size() + path.size()));
    bytes_ += entered_;
    bytes_ += path;
    bytes_.push_back(kind);
}

void LeafWriter::text(std::string_view path, std::string_view value) {
    if (const auto instant = time_of(value)) return time(path, *instant);
    begin(path, 't');
    raw(static_cast<std::uint64_t>(value.size()));
    bytes_ += value;
}

void LeafWriter::time(std::string_view path, Instant value) {
    begin(path, 'd');
    raw(static_cast<std::int64_t>(value.time_since_epoch().count()));
}

void LeafWriter::integer(std::string_view path, std::int64_t value) {
    begin(path, 'i');
    raw(value);
}

void LeafWriter::flag(std::string_view path, bool value) {
    begin(path, value ? '1' : '0');
}

void LeafWriter::number(std::string_view path, std::string_view value) {
    begin(path, 'n');
    raw(static_cast<std::uint64_t>(value.size()));
    bytes_ += value;
}

void LeafWriter::list_length(std::string_view path, std::size_t length) {
    begin(path, '#');
    raw(static_cast<std::uint64_t>(length));
}

std::string LeafWriter::take() && {
    if (!keeps_order_) return std::move(bytes_);
    std::vector<std::size_t> order(leaves_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return leaves_[a].path < leaves_[b].path; });
    std::string out(1, bytes_.front());
    out.reserve(bytes_.size());
    const std::string* last = nullptr;
    for (const std::size_t at : order) {
        const Leaf& leaf = leaves_[at];
        if (last && *last == leaf.path) continue;
        last = &leaf.path;
        const std::size_t end = at + 1 < leaves_.size() ? leaves_[at + 1].begin : bytes_.size();
        out.append(bytes_, leaf.begin, end - leaf.begin);
    }
    return out;
}

void add_json_leaves(LeafWriter& out, std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    // Stored members are valid JSON, because the parser wrote them. Anything else counts as a text.
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return out.text("", json);
    add_element(out, root);
}

}  // namespace glia::hashing
