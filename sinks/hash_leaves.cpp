#include "sinks/hash_leaves.hpp"

#include <simdjson.h>

#include <cmath>
#include <cstring>

#include "sinks/content_hash.hpp"

namespace glia::hashing {
namespace {

// Bytes. Enough for an engagement with about two legs.
constexpr std::size_t kUsualSize = 4096;

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

void LeafBytes::grow(std::size_t capacity) {
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    std::copy_n(bytes_.get(), size_, larger.get());
    bytes_ = std::move(larger);
    capacity_ = capacity;
}

LeafWriter::LeafWriter() : bytes_(kUsualSize) {
    *bytes_.add(1) = static_cast<char>(RecordHash::kCurrent);
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

std::string_view LeafWriter::path_at(std::size_t begin) const {
    std::uint32_t length = 0;
    const std::string_view leaf = bytes_.view().substr(begin);
    std::memcpy(&length, leaf.data(), sizeof length);
    return leaf.substr(sizeof length, length);
}

LeafBytes LeafWriter::take() && {
    if (!keeps_order_) return std::move(bytes_);
    std::vector<std::pair<std::string_view, std::string_view>> leaves;  // the path, and the whole leaf
    leaves.reserve(begins_.size());
    const std::string_view all = bytes_.view();
    for (std::size_t at = 0; at < begins_.size(); ++at) {
        const std::size_t end = at + 1 < begins_.size() ? begins_[at + 1] : all.size();
        leaves.emplace_back(path_at(begins_[at]), all.substr(begins_[at], end - begins_[at]));
    }
    std::stable_sort(leaves.begin(), leaves.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    LeafBytes sorted(all.size());
    *sorted.add(1) = all.front();
    std::optional<std::string_view> last;
    for (const auto& [path, leaf] : leaves) {
        if (last != path) append(sorted.add(leaf.size()), leaf.data(), leaf.size());
        last = path;
    }
    return sorted;
}

void add_json_leaves(LeafWriter& out, std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    // Stored members are valid JSON, because the parser wrote them. But simdjson refuses integers of more
    // than 64 bits; then the whole JSON text counts as one text.
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return out.text("", json);
    add_element(out, root);
}

}  // namespace glia::hashing
