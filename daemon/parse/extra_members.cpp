#include "daemon/parse/extra_members.hpp"

#include <functional>
#include <set>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/canonical_value.hpp"
#include "daemon/parse/object_reader.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

/// The value as canonical JSON.
std::string canonical_text(std::string_view name, simdjson::ondemand::value& value, ParseMode mode) {
    if (mode == ParseMode::repaired) {
        const std::string_view text = raw_value(value);
        std::string why;
        const auto canonical = canonical_json(text, why, nullptr, kMaxMemberDepth);
        if (canonical) return *canonical;
        if (why != kNestedTooDeep) throw simdjson::simdjson_error(simdjson::TAPE_ERROR);
        return json_quote(text);
    }
    try {
        return canonical_value(value);
    } catch (const NotCanonical& no) {
        reject(name, "cannot be kept: " + no.why);
    } catch (const simdjson::simdjson_error& error) {
        reject(name, std::string("cannot be kept: ") + error.what());
    }
}

}  // namespace

void ExtraMembers::add(std::string_view name, simdjson::ondemand::value& value) {
    std::string text = canonical_text(name, value, mode_);
    members_.emplace_back(without_nul(name), std::move(text));
}

void ExtraMembers::add_documented(std::string_view name, simdjson::ondemand::value& value) {
    add(name, value);
    holds_documented_ = true;
}

void ExtraMembers::add_documented(std::string_view name, std::string_view text) {
    members_.emplace_back(name, json_quote(text));
    holds_documented_ = true;
}

void ExtraMembers::expect_distinct(simdjson::ondemand::object& object) const {
    if (mode_ == ParseMode::repaired) return;
    std::set<std::string, std::less<>> names;
    object.reset().value();
    for (auto field : object) {
        const std::string_view name = field.unescaped_key();
        if (!names.emplace(name).second) reject(name, "occurs twice");
    }
}

std::string ExtraMembers::object() {
    std::string text;
    append_members(text, members_);
    return text;
}

void ExtraMembers::put_into(ExtraMembers& other, std::string_view name) {
    if (empty()) return;
    other.members_.emplace_back(name, object());
    other.holds_documented_ = true;
}

void ExtraMembersList::add_element(simdjson::ondemand::value& value) {
    append(canonical_text("a list", value, mode_));
}

void ExtraMembersList::put_into(ExtraMembers& other, std::string_view name) {
    if (list_.empty()) return;
    other.members_.emplace_back(name, list_ + "]");
    other.holds_documented_ = true;
}

void ExtraMembersList::append(const std::string& entry) {
    const auto add = [this](std::string_view text) { (list_ += list_.empty() ? "[" : ",") += text; };
    for (; leading_empty_ > 0; --leading_empty_) add(placeholder_);
    add(entry);
}

}  // namespace glia
