#include "sinks/hash_leaves.hpp"

#include <simdjson.h>

#include <cmath>
#include <numeric>

#include "sinks/content_hash.hpp"
#include "sinks/timestamp.hpp"

namespace glia::hashing {
namespace {

// An engagement fits, with two legs or so.
constexpr std::size_t kUsualSize = 4096;

/// The time that a text in the API's form tells. Whoever reads records knows more forms; a text in one of
/// them stays a text here.
std::optional<Instant> time_of(std::string_view text) {
    constexpr std::size_t kShortest = std::string_view("2017-07-07T13:47Z").size(), kDateEnd = 10;
    if (text.size() < kShortest || text[kDateEnd] != 'T' || text[4] != '-') return std::nullopt;
    return parse_timestamp(text);
}

void add_element(LeafWriter& out, const std::string& path, simdjson::dom::element value) {
    using Type = simdjson::dom::element_type;
    switch (value.type()) {
        case Type::OBJECT:
            for (const auto [name, member] : simdjson::dom::object(value)) {
                std::string inner = path;
                append_part(inner, name);
                add_element(out, inner, member);
            }
            return;
        case Type::ARRAY: {
            const simdjson::dom::array elements(value);
            if (elements.size() > 0) out.list_length(path, elements.size());
            std::size_t position = 0;
            for (const simdjson::dom::element element : elements) {
                std::string inner = path;
                append_part(inner, position_part(position++));
                add_element(out, inner, element);
            }
            return;
        }
        case Type::STRING:
            return out.text(path, std::string_view(value));
        case Type::BOOL:
            return out.flag(path, bool(value));
        case Type::INT64:
            return out.integer(path, std::int64_t(value));
        case Type::NULL_VALUE:
            return;
        default: {
            // 10.0 is the whole number that it is for a documented member too.
            double number = 0;
            constexpr double kLargestExact = 9e15;
            if (value.get_double().get(number) == simdjson::SUCCESS && std::trunc(number) == number &&
                std::abs(number) <= kLargestExact)
                return out.integer(path, static_cast<std::int64_t>(number));
            return out.number(path, simdjson::minify(value));
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

void LeafWriter::begin(std::string_view path, char kind) {
    if (keeps_places_) places_.push_back({std::string(path), bytes_.size()});
    raw(static_cast<std::uint32_t>(path.size()));
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

std::string LeafWriter::sorted() const {
    std::vector<std::size_t> order(places_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return places_[a].path < places_[b].path; });
    std::string out(1, bytes_.front());
    out.reserve(bytes_.size());
    const std::string* last = nullptr;
    for (const std::size_t at : order) {
        const Place& place = places_[at];
        if (last && *last == place.path) continue;
        last = &place.path;
        const std::size_t end = at + 1 < places_.size() ? places_[at + 1].begin : bytes_.size();
        out.append(bytes_, place.begin, end - place.begin);
    }
    return out;
}

std::string position_part(std::size_t position) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string part(8, '0');
    for (std::size_t at = part.size(); at-- > 0; position >>= 4) part[at] = kDigits[position & 15];
    return part;
}

void add_json_leaves(LeafWriter& out, std::string_view path, std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    // What a record keeps has been read as JSON before; what is not, counts as a text.
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return out.text(path, json);
    add_element(out, std::string(path), root);
}

}  // namespace glia::hashing
