#include "daemon/config/yaml_section.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "sinks/nearest.hpp"

namespace glia {
namespace {

/// Describes a variable for an error: by its name if it has the usual form. Other text may be part of a
/// password that contains `${`, and is not quoted.
std::string variable_text(const std::string& name) {
    const bool usual = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    return usual && !name.empty() ? "the environment variable " + name
                                  : "an environment variable between ${ and } here";
}

/// Records where a document's content begins.
class FirstContent final : public YAML::EventHandler {
  public:
    std::optional<YAML::Mark> mark;

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark& at, YAML::anchor_t) override { note(at); }
    void OnScalar(const YAML::Mark& at, const std::string&, YAML::anchor_t, const std::string&) override {
        note(at);
    }
    void OnSequenceStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        note(at);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& at, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        note(at);
    }
    void OnMapEnd() override {}

  private:
    void note(const YAML::Mark& at) {
        if (!mark) mark = at;
    }
};

}  // namespace

YAML::Node load_document(const std::string& text, Complaints& complaints) {
    // Does not use YAML::LoadAll(), which loops for ever on some invalid texts in yaml-cpp 0.7.
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    FirstContent first, second;
    if (parser.HandleNextDocument(first) && parser.HandleNextDocument(second) && second.mark)
        complaints.add(*second.mark, "a second document begins here; the configuration is one, without ---");
    return YAML::Load(text);
}

void Complaints::add(const YAML::Mark& mark, const std::string& text) {
    if (mark.is_null()) {
        lines_.push_back(file_ + ": " + text);
        return;
    }
    lines_.push_back(file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) +
                     ": " + text);
}

Section::Section(const YAML::Node& node, std::string path, Complaints& complaints, Environment environment)
    : node_(node),
      given_(node.IsDefined() && !node.IsNull()),
      path_(std::move(path)),
      complaints_(complaints),
      environment_(environment) {
    if (given_ && !node_.IsMap()) {
        complaints_.add(node_.Mark(),
                        (path_.empty() ? "the document" : path_) + " must hold keys and values");
        node_.reset();
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

std::vector<std::string> Section::keys() const {
    std::vector<std::string> keys;
    if (!node_.IsMap()) return keys;
    for (const auto& entry : node_) {
        if (entry.first.IsScalar()) keys.push_back(entry.first.Scalar());
    }
    return keys;
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

std::optional<std::vector<std::string>> Section::scalars(const std::string& key) {
    const YAML::Node node = find(key);
    if (!node.IsDefined() || node.IsNull()) return std::nullopt;
    if (!node.IsSequence()) {
        complaints_.add(node.Mark(), name(key) + " must be a list, such as [\"one\", \"two\"]");
        return std::nullopt;
    }
    std::vector<std::string> values;
    for (const auto& item : node) {
        if (!item.IsScalar()) {
            complaints_.add(item.Mark(), name(key) + ": each entry must be a single value");
            continue;
        }
        const auto value = expand(item, name(key));
        if (!value) continue;
        if (value->empty()) complaints_.add(item.Mark(), name(key) + ": an entry is empty");
        if (std::find(values.begin(), values.end(), *value) != values.end())
            complaints_.add(item.Mark(), name(key) + ": this entry is listed twice");
        values.push_back(*value);
    }
    return values;
}

std::optional<std::vector<Section>> Section::sections(const std::string& key) {
    const YAML::Node node = find(key);
    if (!node.IsDefined() || node.IsNull()) return std::nullopt;
    if (!node.IsSequence()) {
        complaints_.add(node.Mark(), name(key) + " must be a list");
        return std::nullopt;
    }
    std::vector<Section> entries;
    for (const auto& item : node)
        entries.emplace_back(item, name(key) + "[" + std::to_string(entries.size()) + "]", complaints_,
                             environment_);
    return entries;
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
