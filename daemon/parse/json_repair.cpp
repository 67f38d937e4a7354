#include "daemon/parse/json_repair.hpp"

#include <simdjson.h>

#include <charconv>

#include "daemon/base/utf8.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

// PostgreSQL's numeric allows more digits and larger exponents, but no real value needs them.
constexpr std::size_t kMaxDigits = 1000;
constexpr int kMaxExponent = 1000;
// U+FFFD, escaped.
constexpr std::string_view kReplacementEscape = "\\ufffd";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20;
}

/// The code unit of `\uXXXX` at `at`, or -1.
int code_unit(std::string_view text, std::size_t at) {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
    unsigned unit = 0;  // unsigned: from_chars() then refuses a sign
    const char* const end = text.data() + at + 6;
    const auto [stop, error] = std::from_chars(text.data() + at + 2, end, unit, 16);
    return error == std::errc{} && stop == end ? static_cast<int>(unit) : -1;
}

/// True for a number that fits into a 64-bit integer, signed or not, or into a double.
bool is_machine_number(std::string_view token) {
    const char* const end = token.data() + token.size();
    const auto fits = [&](auto number) {
        const auto [stop, error] = std::from_chars(token.data(), end, number);
        return error == std::errc{} && stop == end;
    };
    if (token.find_first_of(".eE") != std::string_view::npos) return fits(double{});
    return fits(std::int64_t{}) || fits(std::uint64_t{});
}

/// Writes the repaired text of one value.
class Repair {
  public:
    using NumberTest = bool (*)(std::string_view token);

    /// `keeps` returns true for numbers that need no quotes.
    Repair(std::string_view json, NumberTest keeps) : json_(json), keeps_(keeps) {
        out_.reserve(json.size() + 64);
    }

    std::string run() {
        while (at_ < json_.size()) {
            const char c = json_[at_];
            if (c == '"') {
                string();
            } else if (is_control(c)) {
                out_.push_back(c == '\n' || c == '\r' || c == '\t' ? c : ' ');
                ++at_;
            } else if (kBetweenTokens.find(c) != std::string_view::npos) {
                out_.push_back(c);
                ++at_;
            } else {
                word();
            }
        }
        return std::move(out_);
    }

  private:
    static constexpr std::string_view kBetweenTokens = " {}[],:";

    void word() {
        const std::size_t start = at_;
        while (at_ < json_.size() && json_[at_] != '"' && !is_control(json_[at_]) &&
               kBetweenTokens.find(json_[at_]) == std::string_view::npos)
            ++at_;
        const std::string_view token = json_.substr(start, at_ - start);
        const bool good = token == "null" || token == "true" || token == "false" || keeps_(token);
        if (good) {
            out_ += token;
        } else {
            append_json_string(out_, token);
        }
    }

    void string() {
        out_.push_back('"');
        ++at_;
        for (std::size_t plain = at_;; plain = at_) {
            while (at_ < json_.size() && json_[at_] != '"' && json_[at_] != '\\' && !is_control(json_[at_]))
                ++at_;
            out_ += json_.substr(plain, at_ - plain);
            if (at_ == json_.size()) return;  // unbalanced: left as it is
            if (json_[at_] == '\\') {
                escape();
                continue;
            }
            if (json_[at_] == '"') break;
            static constexpr char kDigits[] = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(json_[at_++]);
            if (byte == 0) {
                out_ += kReplacementEscape;
            } else {
                out_ += "\\u00";
                out_.push_back(kDigits[byte >> 4]);
                out_.push_back(kDigits[byte & 15]);
            }
        }
        out_.push_back('"');
        ++at_;
    }

    void escape() {
        constexpr std::string_view kSimple = "\"\\/bfnrt";
        if (at_ + 1 < json_.size() && kSimple.find(json_[at_ + 1]) != std::string_view::npos) {
            out_ += json_.substr(at_, 2);
            at_ += 2;
            return;
        }
        const int unit = code_unit(json_, at_);
        if (unit < 0) {
            out_ += "\\\\";
            ++at_;
            return;
        }
        const bool high = unit >= 0xd800 && unit < 0xdc00;
        const bool low = unit >= 0xdc00 && unit < 0xe000;
        const int next = high ? code_unit(json_, at_ + 6) : -1;
        if (next >= 0xdc00 && next < 0xe000) {
            out_ += json_.substr(at_, 12);
            at_ += 12;
            return;
        }
        out_ += unit == 0 || high || low ? kReplacementEscape : json_.substr(at_, 6);
        at_ += 6;
    }

    std::string_view json_;
    NumberTest keeps_;
    std::size_t at_ = 0;
    std::string out_{};
};

}  // namespace

std::string_view json_document(std::string_view body) {
    if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
    constexpr std::string_view kPadding{" \t\r\n\0", 5};
    while (!body.empty() && kPadding.find(body.back()) != std::string_view::npos) body.remove_suffix(1);
    return body;
}

bool is_storable_number(std::string_view text) {
    std::size_t at = 0;
    const auto next_is = [&](std::string_view characters) {
        return at < text.size() && characters.find(text[at]) != std::string_view::npos;
    };
    const auto digits = [&] {
        const std::size_t start = at;
        while (next_is("0123456789")) ++at;
        return text.substr(start, at - start);
    };
    if (next_is("-")) ++at;
    const std::string_view whole = digits();
    if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
    if (next_is(".")) {
        ++at;
        if (digits().empty()) return false;
    }
    if (next_is("eE")) {
        ++at;
        if (next_is("+-")) ++at;
        const std::string_view exponent = digits();
        int value = 0;
        if (exponent.empty() ||
            std::from_chars(exponent.data(), exponent.data() + exponent.size(), value).ec != std::errc{} ||
            value > kMaxExponent)
            return false;
    }
    return at == text.size() && text.size() <= kMaxDigits;
}

namespace {

std::string repaired(std::string_view json, Repair::NumberTest keeps) {
    if (simdjson::validate_utf8(json.data(), json.size())) return Repair(json, keeps).run();
    return Repair(repair_utf8(json), keeps).run();
}

}  // namespace

std::string repair_json(std::string_view json) {
    return repaired(json, is_storable_number);
}

std::string repair_for_dom(std::string_view json) {
    return repaired(
        json, [](std::string_view token) { return is_storable_number(token) && is_machine_number(token); });
}

}  // namespace glia
