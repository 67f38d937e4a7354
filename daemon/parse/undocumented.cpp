#include "daemon/parse/undocumented.hpp"

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/canonical_value.hpp"
#include "daemon/parse/object_reader.hpp"

namespace glia {

void Undocumented::add(std::string_view name, simdjson::ondemand::value& value) {
    std::string text;
    try {
        text = canonical_value(value);
    } catch (const NotCanonical& no) {
        reject(name, "cannot be kept: " + no.why);
    } catch (const simdjson::simdjson_error& error) {
        reject(name, std::string("cannot be kept: ") + error.what());
    }
    members_.emplace_back(without_nul(name), std::move(text));
}

std::string Undocumented::object() {
    std::string text;
    append_members(text, members_);
    return text;
}

void UndocumentedList::append(Undocumented& entry) {
    const auto add = [this](const std::string& object) { list_ += (list_.empty() ? "[" : ",") + object; };
    for (; bare_ > 0; --bare_) add("{}");
    add(entry.empty() ? "{}" : entry.object());
}

}  // namespace glia
