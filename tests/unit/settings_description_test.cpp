// The annotated example and the JSON schema agree with the description that the reader uses.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "daemon/config/description.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

std::string file_text(const std::string& name) {
    std::ifstream in(std::string(GLIA_TOP) + "/" + name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// One line for each value of a tree, so that a failing test shows the lines that differ.
void flatten(const YAML::Node& node, const std::string& path, std::set<std::string>& lines) {
    if (node.IsMap()) {
        for (const auto& entry : node) flatten(entry.second, path + "/" + entry.first.Scalar(), lines);
    } else if (node.IsSequence()) {
        lines.insert(path + ": " + std::to_string(node.size()) + " entries");
        for (std::size_t i = 0; i < node.size(); ++i) flatten(node[i], path + "/" + std::to_string(i), lines);
    } else {
        const auto duration = parse_duration(node.Scalar());  // 60s is 1m
        lines.insert(path + " = " + (duration ? to_text(*duration) : node.Scalar()));
    }
}

/// Makes the JSON schema (as YAML, of which JSON is a subset).
class SchemaWriter final : public SettingsVisitor {
  public:
    explicit SchemaWriter(YAML::Node root) : here_(std::move(root)) { here_["type"] = "object"; }

    void section(const SettingKey& key, Shown, const std::function<void()>& members) override {
        YAML::Node node = add(key);
        within(node, members);
    }
    void text(const SettingKey& key, std::string& value, Shown shown, Mask) override {
        YAML::Node node = add(key);
        node["type"] = "string";
        // One of api.auth's three alternatives, none of which has a default.
        if (!key.required && !(shown == Shown::if_set && alternatives_)) node["default"] = value;
    }
    void texts(const SettingKey& key, std::vector<std::string>& values, Mask) override {
        YAML::Node node = add(key);
        node["type"] = "array";
        node["items"]["type"] = "string";
        if (key.required) {
            node["minItems"] = 1;
        } else {
            node["default"] = values.empty() ? YAML::Node(YAML::NodeType::Sequence) : YAML::Node(values);
        }
    }
    void flag(const SettingKey& key, bool& value) override {
        YAML::Node node = add(key);
        node["type"] = "boolean";
        node["default"] = value;
    }
    void integer(const SettingKey& key, int& value, int lowest, int highest) override {
        YAML::Node number;
        number["type"] = "integer";
        number["minimum"] = lowest;
        number["maximum"] = highest;
        YAML::Node node = add(key);
        node["anyOf"].push_back(number);
        node["anyOf"].push_back(variable());
        node["default"] = value;
    }
    void duration(const SettingKey& key, Milliseconds& value, Milliseconds) override {
        YAML::Node node = add(key);
        node["type"] = "string";
        node["pattern"] = kDuration;
        node["default"] = to_text(value);
    }
    void optional_duration(const SettingKey& key, std::optional<Milliseconds>& value, Milliseconds) override {
        YAML::Node some, none;
        some["type"] = "string";
        some["pattern"] = kDuration;
        none["const"] = "";
        YAML::Node node = add(key);
        node["anyOf"].push_back(some);
        node["anyOf"].push_back(none);
        node["default"] = value ? to_text(*value) : "";
    }
    void instant(const SettingKey& key, Instant&) override { add(key)["type"] = "string"; }
    void choice(const SettingKey& key, Names names, std::optional<std::size_t>& index) override {
        YAML::Node node = add(key);
        for (const char* name : names) node["enum"].push_back(name);
        node["default"] = index ? names[*index] : "info";  // a topic has the level of log.level
    }
    void rate(const SettingKey& key, std::optional<double>& value, double highest) override {
        YAML::Node automatic, number;
        automatic["const"] = "auto";
        number["type"] = "number";
        number["minimum"] = 0;
        number["maximum"] = static_cast<long long>(highest);
        YAML::Node node = add(key);
        for (const YAML::Node& one : {automatic, number, variable()}) node["anyOf"].push_back(one);
        EXPECT_FALSE(value);
        node["default"] = "auto";
    }
    void address(const SettingKey& key, std::optional<ListenAddress>& value) override {
        YAML::Node node = add(key);
        node["type"] = "string";
        node["default"] = value ? to_text(*value) : "";
    }
    void tiers(const SettingKey& key, std::vector<TierSettings>& values) override {
        YAML::Node node = add(key);
        node["type"] = "array";
        YAML::Node item;
        item["description"] = "A tier.";
        within(item, [&] { describe(values.front(), *this); });
        node["items"] = item;
    }

    void site_names(const SettingKey& key, std::map<std::string, SiteNameSettings>&) override {
        YAML::Node node = add(key);
        node["type"] = "object";
        YAML::Node item;
        item["description"] = "A site.";
        SiteNameSettings site;
        within(item, [&] { describe(site, *this); });
        node["additionalProperties"] = item;
    }

  private:
    static constexpr const char* kDuration = R"(^([0-9]+(ms|s|m|h|d)|\$\{.*\})$)";

    static YAML::Node variable() {
        YAML::Node node;
        node["type"] = "string";
        node["pattern"] = R"(^\$\{.*\}$)";
        return node;
    }
    void within(YAML::Node node, const std::function<void()>& members) {
        const YAML::Node outer = here_;
        const bool alternatives =
            std::exchange(alternatives_, node["description"].Scalar().starts_with("Exactly one"));
        node["type"] = "object";
        node["additionalProperties"] = false;
        if (alternatives_) node["minProperties"] = node["maxProperties"] = 1;
        here_.reset(node);
        members();
        here_.reset(outer);
        alternatives_ = alternatives;
    }
    YAML::Node add(const SettingKey& key) {
        EXPECT_NE(std::string(key.description), "") << key.name;
        YAML::Node node = here_["properties"][key.name];
        node["description"] = key.description;
        if (key.required) here_["required"].push_back(key.name);
        return node;
    }

    YAML::Node here_;
    bool alternatives_ = false;
};

/// Lists the paths of all settings.
class PathLister final : public SettingsVisitor {
  public:
    std::set<std::string> paths;

    void section(const SettingKey& key, Shown, const std::function<void()>& members) override {
        add(key);
        const std::string outer = std::exchange(here_, here_ + key.name + "/");
        members();
        here_ = outer;
    }
    void text(const SettingKey& key, std::string&, Shown, Mask) override { add(key); }
    void texts(const SettingKey& key, std::vector<std::string>&, Mask) override { add(key); }
    void flag(const SettingKey& key, bool&) override { add(key); }
    void integer(const SettingKey& key, int&, int, int) override { add(key); }
    void duration(const SettingKey& key, Milliseconds&, Milliseconds) override { add(key); }
    void optional_duration(const SettingKey& key, std::optional<Milliseconds>&, Milliseconds) override {
        add(key);
    }
    void instant(const SettingKey& key, Instant&) override { add(key); }
    void choice(const SettingKey& key, Names, std::optional<std::size_t>&) override { add(key); }
    void rate(const SettingKey& key, std::optional<double>&, double) override { add(key); }
    void address(const SettingKey& key, std::optional<ListenAddress>&) override { add(key); }
    void tiers(const SettingKey& key, std::vector<TierSettings>&) override { add(key); }
    void site_names(const SettingKey& key, std::map<std::string, SiteNameSettings>&) override { add(key); }

  private:
    void add(const SettingKey& key) { paths.insert(here_ + key.name); }
    std::string here_;
};

/// The annotated example, including the settings that are commented out.
std::string complete_example() {
    static const std::regex kCommentedOut(R"(^( *)# ( *(- |[a-z_]+:)))");
    std::istringstream in(file_text("config/glia-sync.yaml"));
    std::string text;
    for (std::string line; std::getline(in, line);)
        text += std::regex_replace(line, kCommentedOut, "$1$2") + "\n";
    return text;
}

void paths_of(const YAML::Node& node, const std::string& at, std::set<std::string>& paths) {
    if (!node.IsMap()) return;
    for (const auto& entry : node) {
        paths.insert(at + entry.first.Scalar());
        paths_of(entry.second, at + entry.first.Scalar() + "/", paths);
    }
}

std::optional<std::string> no_environment(const std::string&) {
    return std::nullopt;
}

TEST(SettingsDescription, TheSchemaForEditorsSaysTheSame) {
    YAML::Node root(YAML::NodeType::Map);
    SchemaWriter writer(root);
    root["additionalProperties"] = false;
    root["$schema"] = "http://json-schema.org/draft-07/schema#";
    root["title"] = "Configuration of glia-sync";
    Settings settings = default_settings();
    describe(settings, writer);
    std::set<std::string> described, written;
    flatten(root, "", described);
    flatten(YAML::Load(file_text("config/glia-sync.schema.json")), "", written);
    std::string differences;
    for (const std::string& line : described)
        if (!written.contains(line)) differences += "only described: " + line + "\n";
    for (const std::string& line : written)
        if (!described.contains(line)) differences += "only in the schema: " + line + "\n";
    EXPECT_EQ(differences, "");
}

TEST(SettingsDescription, TheAnnotatedExampleNamesEverySettingAndNoOther) {
    PathLister known;
    Settings settings = default_settings();
    describe(settings, known);
    std::set<std::string> named;
    paths_of(YAML::Load(complete_example()), "", named);
    for (const char* topic : kLogTopics) {  // they are listed in a comment
        EXPECT_NE(file_text("config/glia-sync.yaml").find(topic), std::string::npos) << topic;
        named.insert(std::string("log/topics/") + topic);
    }
    EXPECT_EQ(named, known.paths);
}

TEST(SettingsDescription, TheDefaultsOfTheAnnotatedExampleAreTheRealOnes) {
    // One way to authenticate, and one sink.
    const std::regex others(R"((^|\n) *(token_env|api_key|id_file|secret_file|type: ndjson)[^\n]*)");
    const std::string example = std::regex_replace(complete_example(), others, "");
    Settings shown = parse_settings(example, "example", no_environment);
    Settings usual = parse_settings(file_text("config/glia-sync.yaml"), "example", no_environment);
    EXPECT_EQ(show_settings(shown), show_settings(usual));
    Settings expected = default_settings();
    expected.api.base_url = usual.api.base_url;
    expected.api.auth = usual.api.auth;
    expected.api.sites = usual.api.sites;
    expected.sync.start_from = usual.sync.start_from;
    expected.ndjson.state = usual.ndjson.state;  // depends on where it is started
    EXPECT_EQ(show_settings(shown), show_settings(expected));
}

}  // namespace
}  // namespace glia
