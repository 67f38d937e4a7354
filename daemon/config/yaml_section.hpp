// Strict reading of YAML: the caller requests every key by name and type, and a key that was not requested is
// an error. Complaints quote no value, and no key unless it is similar to a known one: a secret may be in the
// wrong place. By hand: yaml-cpp has no schema validation.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

#include "daemon/base/environment.hpp"

namespace glia {

/// Collects the errors found while a document is read.
class Complaints {
  public:
    explicit Complaints(std::string file) : file_(std::move(file)) {}
    void add(const YAML::Mark& mark, const std::string& text);
    void add_at_end(const std::string& text) { lines_.push_back(file_ + ": " + text); }
    const std::vector<std::string>& lines() const { return lines_; }

  private:
    std::string file_;
    std::vector<std::string> lines_;
};

/// Parses a configuration, which is a single document. Throws YAML::Exception if the text is not YAML.
YAML::Node load_document(const std::string& text, Complaints& complaints);

/// One mapping of the document.
class Section {
  public:
    Section(const YAML::Node& node, std::string path, Complaints& complaints, Environment environment);

    /// Empty for the document itself.
    const std::string& path() const { return path_; }
    /// True if the document has this section, even if it is not a mapping.
    bool given() const { return given_; }
    bool has(const std::string& key);
    Section section(const std::string& key);
    /// The keys that the document gives here.
    std::vector<std::string> keys() const;
    /// Scalar text with `${NAME}` replaced; none if missing, null or not a scalar.
    std::optional<std::string> scalar(const std::string& key);
    /// A list of scalar texts; none if missing, null or not a list. Complains about duplicates and empty
    /// entries.
    std::optional<std::vector<std::string>> scalars(const std::string& key);
    /// A list of mappings; none if missing, null or not a list.
    std::optional<std::vector<Section>> sections(const std::string& key);
    /// Adds a complaint at the position of the key's value or, if the key is missing, of the section.
    void complain(const std::string& key, const std::string& text);
    /// Complains about keys that were not requested. Call it last.
    void finish();

  private:
    YAML::Node find(const std::string& key);
    std::optional<std::string> expand(const YAML::Node& node, const std::string& name);
    std::string name(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

    YAML::Node node_;
    bool given_;
    std::string path_;
    Complaints& complaints_;
    Environment environment_;
    std::vector<std::string> known_;
};

}  // namespace glia
