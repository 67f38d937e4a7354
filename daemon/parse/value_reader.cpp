#include "daemon/parse/value_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>  // and memrchr, which is glibc's

#include "daemon/base/utf8.hpp"

namespace glia {

namespace od = simdjson::ondemand;

void reject(std::string_view field, std::string_view what) {
    throw BadRecord{std::string(field) + " " + std::string(what)};
}

std::string shown(std::string_view value) {
    // Bytes. Enough for a person to recognise the value.
    constexpr std::size_t kLongestShown = 60;
    value = trimmed(value);
    std::string text = repair_utf8(value.substr(0, kLongestShown));  // truncation may split a character
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return value.size() <= kLongestShown ? text : text + "…";
}

bool is_null(od::value& value) {
    return value.type().value() == od::json_type::null && static_cast<bool>(value.is_null());
}

bool is_null_instead(od::value& value, simdjson::error_code error) {
    if (error != simdjson::INCORRECT_TYPE) throw simdjson::simdjson_error(error);
    return is_null(value);
}

bool read_seconds(od::value& value, OptionalInteger& target) {
    std::int64_t number = 0;
    if (value.get_int64().get(number) == simdjson::SUCCESS) {
        target.emplace(number);
        return true;
    }
    target.reset();
    if (is_null(value)) return true;
    // 10.0 and 1e1 are whole numbers too.
    double real = 0;
    if (value.type().value() != od::json_type::number || value.get_double().get(real) != simdjson::SUCCESS ||
        std::trunc(real) != real || std::abs(real) > 9e15) {
        return false;
    }
    target.emplace(static_cast<std::int64_t>(real));
    return true;
}

bool read_flag(od::value& value, OptionalFlag& target) {
    // Branch-free, because the value is unpredictable. memcmp() may read beyond the token: the rest of the
    // body or its padding follows.
    const std::string_view token = value.raw_json_token();
    const auto is = [&](const auto& name) {
        constexpr std::size_t kLength = sizeof name - 1;
        return static_cast<unsigned>(token.size() == kLength) &
               static_cast<unsigned>(std::memcmp(token.data(), name, kLength) == 0);
    };
    static constexpr OptionalFlag kMeanings[] = {std::nullopt, false, true};
    const unsigned is_true = is("true"), is_false = is("false");
    if ((is_true | is_false | is("null")) != 0) {
        target = kMeanings[2 * is_true + is_false];
        return true;
    }
    // The token includes trailing white space, or is not a flag.
    bool flag = false;
    if (value.get_bool().get(flag) == simdjson::SUCCESS) {
        target = flag;
        return true;
    }
    target.reset();
    return is_null(value);
}

std::string_view last_segment(std::string_view path) {
    path = path.substr(0, std::min(path.find('?'), path.find('#')));
    while (path.ends_with('/')) path.remove_suffix(1);
    const void* const slash = memrchr(path.data(), '/', path.size());
    return slash ? path.substr(static_cast<std::size_t>(static_cast<const char*>(slash) - path.data()) + 1)
                 : path;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= 0x20) text.remove_suffix(1);
    return text;
}

std::string_view raw_value(od::value& value) {
    switch (value.type()) {
        case od::json_type::object: {
            od::object object = value.get_object();
            return trimmed(object.raw_json().value());
        }
        case od::json_type::array: {
            od::array array = value.get_array();
            return trimmed(array.raw_json().value());
        }
        default:
            return trimmed(value.raw_json_token());
    }
}

bool read_text(od::value& value, RecordText& target) {
    std::string_view text;
    target.reset();
    const auto error = value.get_string().get(text);
    if (error != simdjson::SUCCESS) return is_null_instead(value, error);
    target = RecordText(without_nul(text));
    return true;
}

bool is_engagement_id(std::string_view text) {
    // Refuses U+FFFD: it may replace different characters, so two engagements could get the same id. Most ids
    // do not even contain its first byte.
    return !text.empty() && is_id(text) &&
           (!std::memchr(text.data(), 0xef, text.size()) ||
            text.find("\xef\xbf\xbd") == std::string_view::npos);
}

}  // namespace glia
