// Strict reading of YAML: every key is asked for by name and type, and what nobody asked for is an error.
// No complaint quotes a value, or a key that is not nearly a known one: a secret may stand in the wrong
// place.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "daemon/base/environment.hpp"
#include "sinks/durations.hpp"
#include "sinks/records.hpp"

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

/// One mapping of the document. Readers leave the target alone if the key is missing or null.
class Section {
  public:
    Section(const YAML::Node& node, std::string path, Complaints& complaints, Environment environment);

    bool has(const std::string& key);
    Section section(const std::string& key);
    void text(const std::string& key, std::string& target);
    void boolean(const std::string& key, bool& target);
    void integer(const std::string& key, int& target, int lowest, int highest);
    void duration(const std::string& key, Milliseconds& target, Milliseconds lowest);
    void instant(const std::string& key, Instant& target);
    void words(const std::string& key, std::vector<std::string>& target);
    /// A value out of a few; `choose` gets the index.
    void choice(const std::string& key, const std::vector<std::string>& choices,
                const std::function<void(std::size_t)>& choose);
    /// A list of mappings; `each` reads one.
    void sections(const std::string& key, const std::function<void(Section&)>& each,
                  const std::function<void()>& start);
    /// A complaint about a key's value (or, where it is missing, about the section).
    void complain(const std::string& key, const std::string& text);
    /// To be called last: complains about keys that nobody asked for.
    void finish();
    /// Scalar text with `${NAME}` replaced; none if missing, null or not a scalar.
    std::optional<std::string> scalar(const std::string& key);

  private:
    YAML::Node find(const std::string& key);
    std::optional<std::string> expand(const YAML::Node& node, const std::string& name);
    std::string name(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

    YAML::Node node_;
    std::string path_;
    Complaints& complaints_;
    Environment environment_;
    std::vector<std::string> known_;
};

}  // namespace glia
