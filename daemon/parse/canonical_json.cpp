#include "daemon/parse/canonical_json.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/parse/canonical_value.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxDigits = 1000;
// U+FFFD, escaped and not.
constexpr std::string_view kReplacement = "\\ufffd";
constexpr std::string_view kMark = "\xef\xbf\xbd";

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The code unit of `\uXXXX` at `at`, or -1.
int code_unit(std::string_view text, std::size_t at) {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
    int unit = 0;
    for (std::size_t i = at + 2; i < at + 6; ++i) {
        const int digit = hex_digit(text[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/// simdjson checks numbers only when they are converted; these are kept as text, so they are checked here.
bool is_number(std::string_view text, std::string& why) {
    std::size_t at = 0;
    const auto digits = [&] {
        const std::size_t start = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
        return at - start;
    };
    if (at < text.size() && text[at] == '-') ++at;
    const std::size_t first = at;
    const std::size_t whole = digits();
    bool good = whole == 1 || (whole > 1 && text[first] != '0');
    if (good && at < text.size() && text[at] == '.') {
        ++at;
        good = digits() > 0;
    }
    if (good && at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        const std::size_t start = at;
        good = digits() > 0;
        if (good && (at - start > 4 || std::stoi(std::string(text.substr(start, at - start))) > 1000)) {
            why = "a number is out of range";
            return false;
        }
    }
    good = good && at == text.size();
    if (!good) why = "a number is malformed";
    if (good && text.size() > kMaxDigits) {
        why = "a number is too long";
        return false;
    }
    return good;
}

void append_canonical(std::string& out, simdjson::ondemand::value& value, const MemberRule& rule,
                      const std::string& path, int depth) {
    if (depth > kMaxDepth) throw NotCanonical{"nested too deep"};
    switch (value.type()) {
        case simdjson::ondemand::json_type::object: {
            std::vector<JsonMember> members;
            for (auto field : value.get_object()) {
                JsonMember member(without_nul(field.unescaped_key().value()), {});
                // Paths are for rules only.
                std::string inner;
                if (rule) inner = path.empty() ? member.first : path + "/" + member.first;
                simdjson::ondemand::value of_it = field.value();
                append_canonical(member.second, of_it, rule, inner, depth + 1);
                if (!rule || rule(path, member.first, member.second)) members.push_back(std::move(member));
            }
            return append_members(out, members);
        }
        case simdjson::ondemand::json_type::array: {
            char before = '[';
            for (auto entry : value.get_array()) {
                out.push_back(std::exchange(before, ','));
                simdjson::ondemand::value element = entry.value();
                append_canonical(out, element, rule, path, depth + 1);
            }
            out += before == '[' ? "[]" : "]";
            return;
        }
        case simdjson::ondemand::json_type::string: {
            const std::string_view text = value.get_string().value();
            return append_json_string(out,
                                      text.find('\0') == std::string_view::npos ? text : without_nul(text));
        }
        case simdjson::ondemand::json_type::number: {
            std::string_view token = value.raw_json_token();
            while (!token.empty() && static_cast<unsigned char>(token.back()) <= 0x20) token.remove_suffix(1);
            std::string why;
            if (!is_number(token, why)) throw NotCanonical{why};
            out += token;  // that is only looked at; it is skipped with the next step of its parent
            return;
        }
        case simdjson::ondemand::json_type::boolean:
            out += value.get_bool().value() ? "true" : "false";
            return;
        case simdjson::ondemand::json_type::null:
            if (!value.is_null()) throw NotCanonical{"a literal is malformed"};
            out += "null";
            return;
        default:
            throw NotCanonical{"a value is of no known type"};
    }
}

/// A parser of this thread: most values are a few bytes long, and to set one up would cost more than to read
/// them.
class KeptParser {
  public:
    /// `size`: of what it will read. What a large value needs is given back.
    explicit KeptParser(std::size_t size) : usual_(size <= kUsual), parser_(std::move(kept_)) {
        if (!parser_) parser_ = std::make_unique<simdjson::ondemand::parser>();
    }
    KeptParser(const KeptParser&) = delete;
    KeptParser& operator=(const KeptParser&) = delete;
    ~KeptParser() {
        if (usual_) kept_ = std::move(parser_);
    }
    simdjson::ondemand::parser* operator->() const { return parser_.get(); }

  private:
    static constexpr std::size_t kUsual = 65'536;
    static thread_local std::unique_ptr<simdjson::ondemand::parser> kept_;
    bool usual_;
    std::unique_ptr<simdjson::ondemand::parser> parser_;
};
thread_local std::unique_ptr<simdjson::ondemand::parser> KeptParser::kept_;

}  // namespace

std::string repair_escapes(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    for (std::size_t at = 0; at < json.size();) {
        const std::size_t escape = std::min(json.find('\\', at), json.size());
        out.append(json.substr(at, escape - at));
        at = escape;
        if (at + 1 >= json.size()) {
            out.append(json.substr(at));
            break;
        }
        const int unit = code_unit(json, at);
        if (unit < 0) {  // another escape: take both characters, or an escaped backslash would be read twice
            out.append(json.substr(at, 2));
            at += 2;
            continue;
        }
        const bool high = unit >= 0xd800 && unit < 0xdc00;
        const bool low = unit >= 0xdc00 && unit < 0xe000;
        const int next = high ? code_unit(json, at + 6) : -1;
        if (high && next >= 0xdc00 && next < 0xe000) {
            out.append(json.substr(at, 12));
            at += 12;
            continue;
        }
        out.append(unit == 0 || high || low ? kReplacement : json.substr(at, 6));
        at += 6;
    }
    return out;
}

std::string without_nul(std::string_view text) {
    std::string out(text);
    for (std::size_t at = 0; (at = out.find('\0', at)) != std::string::npos;) out.replace(at, 1, kMark);
    return out;
}

void append_members(std::string& out, std::vector<JsonMember>& members) {
    const auto by_name = [](const JsonMember& a, const JsonMember& b) { return a.first < b.first; };
    if (!std::is_sorted(members.begin(), members.end(), by_name))
        std::stable_sort(members.begin(), members.end(), by_name);
    char before = '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (i + 1 < members.size() && members[i + 1].first == members[i].first) continue;
        out.push_back(std::exchange(before, ','));
        append_json_string(out, members[i].first);
        out.push_back(':');
        out += members[i].second;
    }
    out += before == '{' ? "{}" : "}";
}

std::string repair_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || at + length > text.size() || !simdjson::validate_utf8(text.data() + at, length)) {
            out += kMark;
            ++at;
            continue;
        }
        out.append(text.substr(at, length));
        at += length;
    }
    return out;
}

std::string canonical_value(simdjson::ondemand::value& value) {
    std::string text;
    append_canonical(text, value, nullptr, {}, 0);
    return text;
}

std::optional<std::string> canonical_json(std::string_view json, std::string& why, const MemberRule& rule) {
    const std::string repaired = repair_escapes(json);
    const simdjson::padded_string padded(repaired);
    const KeptParser parser(json.size());
    const auto read = [&](simdjson::ondemand::document& document) {
        simdjson::ondemand::value value = document.get_value();
        std::string text;
        append_canonical(text, value, rule, {}, 0);
        if (document.current_location().error() == simdjson::SUCCESS)
            throw NotCanonical{"something follows the value"};
        return text;
    };
    try {
        simdjson::ondemand::document document = parser->iterate(padded);
        if (!document.is_scalar().value()) return read(document);
        // A scalar cannot be had as a value of the document: it is read as the only element of a list.
        const simdjson::padded_string wrapped("[" + repaired + "]");
        document = parser->iterate(wrapped);
        const std::string text = read(document);
        return text.substr(1, text.size() - 2);
    } catch (const simdjson::simdjson_error& error) {
        why = error.what();
    } catch (const NotCanonical& malformed) {
        why = malformed.why;
    }
    return std::nullopt;
}

}  // namespace glia
