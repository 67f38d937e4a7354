#include "daemon/parse/small_responses.hpp"

#include <simdjson.h>

#include <cmath>

#include "daemon/parse/json_repair.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// Parses the body as an object and returns the result of `read`; none if the body is not an object.
template <typename T, typename Read>
std::optional<T> of_object(std::string_view body, Read read) {
    dom::parser parser;
    dom::element root;
    if (parser.parse(repair_for_dom(json_document(body))).get(root) != simdjson::SUCCESS || !root.is_object())
        return std::nullopt;
    return read(root);
}

OptionalText text(dom::element object, const char* member) {
    std::string_view value;
    if (object[member].get(value) != simdjson::SUCCESS) return std::nullopt;
    return std::string(value);
}

}  // namespace

std::optional<EndResponse> parse_end_response(std::string_view body) {
    return of_object<EndResponse>(body, [](dom::element root) -> std::optional<EndResponse> {
        const OptionalText id = text(root, "id");
        if (!id) return std::nullopt;
        return EndResponse{*id, text(root, "sub_engagement_id")};
    });
}

std::optional<bool> parse_export_response(std::string_view body) {
    return of_object<bool>(body, [](dom::element root) -> std::optional<bool> {
        bool success = false;
        if (root["success"].get(success) != simdjson::SUCCESS) return std::nullopt;
        return success;
    });
}

std::optional<OptionalInteger> parse_wait_response(std::string_view body) {
    return of_object<OptionalInteger>(body, [](dom::element root) -> std::optional<OptionalInteger> {
        dom::element member;
        if (root["average_duration_in_seconds"].get(member) != simdjson::SUCCESS) return std::nullopt;
        if (member.is_null()) return OptionalInteger{};
        double seconds = 0;  // an average may have a fraction
        if (member.get(seconds) != simdjson::SUCCESS || !(std::abs(seconds) < 9e15)) return std::nullopt;
        return OptionalInteger{std::llround(seconds)};
    });
}

std::optional<std::string> parse_recording_response(std::string_view body) {
    return of_object<std::string>(body, [](dom::element root) { return text(root, "url"); });
}

}  // namespace glia
