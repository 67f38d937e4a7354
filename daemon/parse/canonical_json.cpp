#include "daemon/parse/canonical_json.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_value.hpp"
#include "daemon/parse/json_repair.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

void append_canonical(std::string& out, simdjson::ondemand::value& value, const MemberRule& rule,
                      const std::string& path, int depth_left) {
    if (depth_left < 0) throw NotCanonical{std::string(kNestedTooDeep)};
    switch (value.type()) {
        case simdjson::ondemand::json_type::object: {
            std::vector<JsonMember> members;
            for (auto field : value.get_object()) {
                JsonMember member(without_nul(field.unescaped_key().value()), {});
                // Only a rule needs the path.
                std::string inner;
                if (rule) inner = path.empty() ? member.first : path + "/" + member.first;
                simdjson::ondemand::value of_it = field.value();
                append_canonical(member.second, of_it, rule, inner, depth_left - 1);
                if (!rule || rule(path, member.first, member.second)) members.push_back(std::move(member));
            }
            return append_members(out, members);
        }
        case simdjson::ondemand::json_type::array: {
            char before = '[';
            for (auto entry : value.get_array()) {
                out.push_back(std::exchange(before, ','));
                simdjson::ondemand::value element = entry.value();
                append_canonical(out, element, rule, path, depth_left - 1);
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
            if (!is_storable_number(token)) throw NotCanonical{"a number cannot be stored"};
            out += token;  // not consumed: the next step of its parent skips it
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

/// A parser that the thread keeps: most values have a few bytes, and creating a parser costs more than
/// parsing them.
class ThreadLocalParser {
  public:
    /// `size`: bytes of the value to parse. The memory for a large value is freed again.
    explicit ThreadLocalParser(std::size_t size) : usual_(size <= kUsual), parser_(std::move(cached_parser)) {
        if (!parser_) parser_ = std::make_unique<simdjson::ondemand::parser>();
    }
    ThreadLocalParser(const ThreadLocalParser&) = delete;
    ThreadLocalParser& operator=(const ThreadLocalParser&) = delete;
    ~ThreadLocalParser() {
        if (usual_) cached_parser = std::move(parser_);
    }
    simdjson::ondemand::parser* operator->() const { return parser_.get(); }

  private:
    static constexpr std::size_t kUsual = 65'536;
    static inline thread_local std::unique_ptr<simdjson::ondemand::parser> cached_parser;
    bool usual_;
    std::unique_ptr<simdjson::ondemand::parser> parser_;
};

}  // namespace

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

std::string canonical_value(simdjson::ondemand::value& value) {
    std::string text;
    append_canonical(text, value, nullptr, {}, kMaxMemberDepth);
    return text;
}

std::optional<std::string> canonical_json(std::string_view json, std::string& why, const MemberRule& rule,
                                          int max_depth) {
    const std::string repaired = repair_json(json_document(json));
    const simdjson::padded_string padded(repaired);
    const ThreadLocalParser parser(json.size());
    const auto read = [&](simdjson::ondemand::document& document) {
        simdjson::ondemand::value value = document.get_value();
        std::string text;
        append_canonical(text, value, rule, {}, max_depth);
        if (document.current_location().error() == simdjson::SUCCESS)
            throw NotCanonical{"something follows the value"};
        return text;
    };
    try {
        simdjson::ondemand::document document = parser->iterate(padded);
        if (!document.is_scalar().value()) return read(document);
        // simdjson does not return a root scalar as a value: wraps it in a list.
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
