#include "daemon/parse/token_response.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "daemon/parse/json_repair.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// A number, or a string that is one.
std::optional<double> number_member(const dom::element& object, const char* member) {
    double value = 0;
    if (object[member].get(value) == simdjson::SUCCESS) return value;
    std::string_view text;
    if (object[member].get(text) != simdjson::SUCCESS) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<std::string> clean_secret(std::string_view text) {
    const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    if (text.size() > kLongestSecret) return std::nullopt;
    const bool clean = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (text.empty() || !clean) return std::nullopt;
    return std::string(text);
}

std::optional<TokenResponse> parse_token_response(std::string_view body) {
    dom::parser parser;
    dom::element root;
    if (parser.parse(repair_for_dom(json_document(body))).get(root) != simdjson::SUCCESS || !root.is_object())
        return std::nullopt;
    std::string_view text;
    if (root["token"].get(text) != simdjson::SUCCESS && root["access_token"].get(text) != simdjson::SUCCESS)
        return std::nullopt;
    const auto token = clean_secret(text);
    if (!token) return std::nullopt;
    TokenResponse answer{*token, std::nullopt};
    const auto seconds = number_member(root, "expires_in");
    if (seconds && *seconds > 0)  // false for NaN
        answer.expires_in =
            static_cast<std::int64_t>(std::clamp(*seconds, 1.0, static_cast<double>(kLongestLife)));
    return answer;
}

}  // namespace glia
