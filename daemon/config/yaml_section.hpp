// Strict reading of YAML: every key is asked for by name and type, and what nobody asked for is an error.
// No complaint quotes a value, or a key that is not nearly a known one: a secret may stand in the wrong
// place.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

#include "daemon/base/environment.hpp"

namespace glia {

/// Collects what is wrong while a document is read.
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

/// The one document of a configuration. Throws YAML::Exception for what is not YAML.
YAML::Node load_document(const std::string& text, Complaints& complaints);

/// One mapping of the document.
class Section {
  public:
    Section(const YAML::Node& node, std::string path, Complaints& complaints, Environment environment);

    /// Empty for the document itself.
    const std::string& path() const { return path_; }
    /// True if the document says anything here, even if it is no mapping.
    bool given() const { return given_; }
    bool has(const std::string& key);
    Section section(const std::string& key);
    /// The keys that the document gives here.
    std::vector<std::string> keys() const;
    /// Scalar text with `${NAME}` replaced; none if missing, null or not a scalar.
    std::optional<std::string> scalar(const std::string& key);
    /// A list of such texts, each once; none if missing, null or not a list.
    std::optional<std::vector<std::string>> scalars(const std::string& key);
    /// A list of mappings; none if missing, null or not a list.
    std::optional<std::vector<Section>> sections(const std::string& key);
    /// A complaint about a key's value (or, where it is missing, about the section).
    void complain(const std::string& key, const std::string& text);
    /// To be called last: complains about keys that nobody asked for.
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
