#include "daemon/config/yaml_reader.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "daemon/base/timestamp.hpp"
#include "sinks/nearest.hpp"

namespace glia {
namespace {

/// Names a variable that looks like one. Other text may be a piece of a password that contains `${`.
std::string variable_text(const std::string& name) {
    const bool usual = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    return usual && !name.empty() ? "the environment variable " + name
                                  : "an environment variable between ${ and } here";
}

}  // namespace

void Complaints::add(const YAML::Mark& mark, const std::string& text) {
    if (mark.is_null()) {
        lines_.push_back(file_ + ": " + text);
        return;
    }
    lines_.push_back(file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) +
                     ": " + text);
}

Section::Section(const YAML::Node& node, std::string path, Complaints& complaints, Environment environment)
    : node_(node), path_(std::move(path)), complaints_(complaints), environment_(environment) {
    if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) {
        complaints_.add(node_.Mark(),
                        (path_.empty() ? "the document" : path_) + " must hold keys and values");
        node_ = YAML::Node();
    }
}

YAML::Node Section::find(const std::string& key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
    if (!node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
    for (const auto& entry : node_) {
        if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
    }
    return YAML::Node(YAML::NodeType::Undefined);
}

bool Section::has(const std::string& key) {
    const YAML::Node node = find(key);
    return node.IsDefined() && !node.IsNull();
}

Section Section::section(const std::string& key) {
    return {find(key), name(key), complaints_, environment_};
}

std::optional<std::string> Section::expand(const YAML::Node& node, const std::string& what) {
    const std::string& text = node.Scalar();
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t open = text.find("${", at);
        if (open == std::string::npos) {
            out += text.substr(at);
            break;
        }
        const std::size_t close = text.find('}', open);
        if (close == std::string::npos) {
            complaints_.add(node.Mark(), what + ": ${ is not closed; write ${NAME}");
            return std::nullopt;
        }
        std::string variable = text.substr(open + 2, close - open - 2);
        std::optional<std::string> otherwise;  // as in a shell: ${NAME:-this} if NAME is not set, or empty
        if (const std::size_t at_default = variable.find(":-"); at_default != std::string::npos) {
            otherwise = variable.substr(at_default + 2);
            variable.resize(at_default);
        }
        auto value = environment_(variable);
        if (otherwise && (!value || value->empty())) value = otherwise;
        if (!value) {
            complaints_.add(node.Mark(), what + ": " + variable_text(variable) + " is not set");
            return std::nullopt;
        }
        out += text.substr(at, open - at) + *value;
        at = close + 1;
    }
    return out;
}

std::optional<std::string> Section::scalar(const std::string& key) {
    const YAML::Node node = find(key);
    if (!node.IsDefined() || node.IsNull()) return std::nullopt;
    if (!node.IsScalar()) {
        complaints_.add(node.Mark(), name(key) + " must be a single value");
        return std::nullopt;
    }
    return expand(node, name(key));
}

void Section::complain(const std::string& key, const std::string& text) {
    const YAML::Node node = find(key);
    if (node.IsDefined()) {
        complaints_.add(node.Mark(), name(key) + ": " + text);
    } else if (node_.IsMap()) {
        complaints_.add(node_.Mark(), name(key) + ": " + text);
    } else {
        complaints_.add_at_end(name(key) + ": " + text);
    }
}

void Section::text(const std::string& key, std::string& target) {
    if (const auto value = scalar(key)) target = *value;
}

void Section::boolean(const std::string& key, bool& target) {
    const auto value = scalar(key);
    if (!value) return;
    if (*value != "true" && *value != "false") {
        complain(key, "must be true or false");
        return;
    }
    target = *value == "true";
}

void Section::integer(const std::string& key, int& target, int lowest, int highest) {
    const auto value = scalar(key);
    if (!value) return;
    int number = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (error != std::errc{} || end != value->data() + value->size() || number < lowest || number > highest) {
        complain(key,
                 "must be a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest));
        return;
    }
    target = number;
}

void Section::duration(const std::string& key, Milliseconds& target, Milliseconds lowest) {
    const auto value = scalar(key);
    if (!value) return;
    const auto parsed = parse_duration(*value);
    if (!parsed || *parsed < lowest) {
        complain(key, "must be a duration such as 500ms, 30s, 10m, 24h or 14d" +
                          (lowest.count() > 0 ? ", at least " + to_text(lowest) : std::string()));
        return;
    }
    target = *parsed;
}

void Section::instant(const std::string& key, Instant& target) {
    const auto value = scalar(key);
    if (!value) return;
    const auto parsed = parse_timestamp(*value);
    if (!parsed) {
        complain(key, "must be a time such as 2024-01-01T00:00:00Z");
        return;
    }
    target = *parsed;
}

void Section::words(const std::string& key, std::vector<std::string>& target) {
    const YAML::Node node = find(key);
    if (!node.IsDefined() || node.IsNull()) return;
    if (!node.IsSequence()) {
        complaints_.add(node.Mark(), name(key) + " must be a list, such as [\"one\", \"two\"]");
        return;
    }
    target.clear();
    for (const auto& item : node) {
        if (!item.IsScalar()) {
            complaints_.add(item.Mark(), name(key) + ": each entry must be a single value");
            continue;
        }
        const auto value = expand(item, name(key));
        if (!value) continue;
        if (value->empty()) complaints_.add(item.Mark(), name(key) + ": an entry is empty");
        if (std::find(target.begin(), target.end(), *value) != target.end()) {
            complaints_.add(item.Mark(), name(key) + ": this entry is listed twice");
        }
        target.push_back(*value);
    }
}

void Section::choice(const std::string& key, const std::vector<std::string>& choices,
                     const std::function<void(std::size_t)>& choose) {
    const auto value = scalar(key);
    if (!value) return;
    const auto found = std::find(choices.begin(), choices.end(), *value);
    if (found != choices.end()) {
        choose(static_cast<std::size_t>(found - choices.begin()));
        return;
    }
    std::string list;
    for (const auto& choice : choices) list += (list.empty() ? "" : ", ") + choice;
    const auto hint = nearest(*value, choices);
    complain(key,
             "unknown value; one of: " + list + (hint ? "; did you mean " + *hint + "?" : std::string()));
}

void Section::sections(const std::string& key, const std::function<void(Section&)>& each,
                       const std::function<void()>& start) {
    const YAML::Node node = find(key);
    if (!node.IsDefined() || node.IsNull()) return;
    if (!node.IsSequence()) {
        complaints_.add(node.Mark(), name(key) + " must be a list");
        return;
    }
    start();
    std::size_t number = 0;
    for (const auto& item : node) {
        Section entry(item, name(key) + "[" + std::to_string(number++) + "]", complaints_, environment_);
        each(entry);
        entry.finish();
    }
}

void Section::finish() {
    if (!node_.IsMap()) return;
    std::set<std::string> seen;
    for (const auto& entry : node_) {
        if (!entry.first.IsScalar()) {
            complaints_.add(entry.first.Mark(), "a key must be a single word");
            continue;
        }
        const std::string key = entry.first.Scalar();
        const bool known = std::find(known_.begin(), known_.end(), key) != known_.end();
        if (!seen.insert(key).second) {
            complaints_.add(entry.first.Mark(), (known ? "the key " + name(key) : std::string("this key")) +
                                                    " stands here twice");
        }
        if (known) continue;
        const auto hint = nearest(key, known_);
        if (key == "<<") {
            complaints_.add(entry.first.Mark(), "merge keys (<<) are not known here; write the keys out");
        } else if (hint) {
            complaints_.add(entry.first.Mark(), "unknown key " + name(key) + "; did you mean " + *hint + "?");
        } else {  // not quoted: it may be a token in the wrong place
            complaints_.add(entry.first.Mark(), (path_.empty() ? "unknown key" : "unknown key in " + path_) +
                                                    std::string("; remove it"));
        }
    }
}

}  // namespace glia
