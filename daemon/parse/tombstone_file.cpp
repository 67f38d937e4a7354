#include "daemon/parse/tombstone_file.hpp"

#include <simdjson.h>

#include <array>
#include <boost/json.hpp>
#include <string_view>
#include <utility>

#include "daemon/parse/json_repair.hpp"
#include "sinks/content_hash.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kFileFormat = "glia-sync-tombstones";
constexpr std::int64_t kFileVersion = 1;
// A line has about 110 bytes; a file without line ends is not read into memory.
constexpr std::size_t kLongestLine = 1000;

class Reader {
  public:
    /// Checks a line without its line end. Returns none if it is valid, else what is wrong.
    std::optional<std::string> add(std::string_view line) {
        dom::element root;
        const simdjson::padded_string padded(line);
        if (parser_.parse(padded).get(root) != simdjson::SUCCESS || !root.is_object())
            return "it is not a JSON object";
        if (!begun_) return begin(root);
        if (ended_) return "there is something after the last line";
        std::int64_t count = 0;
        if (root["tombstones"].get(count) != simdjson::SUCCESS) return add_tombstone(root);
        if (count != static_cast<std::int64_t>(tombstones_.size()))
            return "it counts " + std::to_string(count) + " tombstones, but the file has " +
                   std::to_string(tombstones_.size());
        ended_ = true;
        return std::nullopt;
    }
    bool ended() const { return ended_; }
    std::vector<Tombstone> take() { return std::move(tombstones_); }

  private:
    std::optional<std::string> begin(dom::element root) {
        std::string_view format;
        std::int64_t version = 0;
        if (root["format"].get(format) != simdjson::SUCCESS || format != kFileFormat)
            return "`glia-sync forget export` did not write this file";
        if (root["version"].get(version) != simdjson::SUCCESS || version != kFileVersion)
            return "the format's version is not " + std::to_string(kFileVersion) +
                   ", the one that this program reads";
        begun_ = true;
        return std::nullopt;
    }

    std::optional<std::string> add_tombstone(dom::element root) {
        Tombstone tombstone;
        bool has_kind = false;
        bool has_digest = false;
        for (const auto [name, value] : dom::object(root)) {
            std::string_view text;
            if (value.get(text) != simdjson::SUCCESS)
                return "the value of " + std::string(name) + " is not a text";
            if (name == "kind") {
                const auto kind = tombstone_kind(text);
                if (!kind) return "kind is not engagement, visitor or operator";
                has_kind = true;
                tombstone.kind = *kind;
            } else if (name == "digest") {
                const auto digest = from_bytea("\\x" + std::string(text));
                has_digest = digest.has_value();
                if (!has_digest) return "digest is not 32 hexadecimal digits";
                tombstone.digest = *digest;
            } else if (name == "forgotten_at") {
                tombstone.forgotten_at = parse_timestamp(text);
                if (!tombstone.forgotten_at) return "forgotten_at is not a time";
            } else {
                return "there is no member " + std::string(name) + " in this version of the format";
            }
        }
        if (!has_kind || !has_digest) return "a tombstone needs kind and digest";
        tombstones_.push_back(tombstone);
        return std::nullopt;
    }

    dom::parser parser_;
    std::vector<Tombstone> tombstones_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

std::string tombstone_file_head() {
    return boost::json::serialize(boost::json::object{{"format", kFileFormat}, {"version", kFileVersion}}) +
           "\n";
}

std::string tombstone_line(const Tombstone& tombstone) {
    boost::json::object line{{"kind", name_of(tombstone.kind)}, {"digest", to_hex(tombstone.digest)}};
    if (tombstone.forgotten_at) line["forgotten_at"] = to_iso8601(*tombstone.forgotten_at);
    return boost::json::serialize(line) + "\n";
}

std::string tombstone_file_end(std::size_t tombstones) {
    return boost::json::serialize(boost::json::object{{"tombstones", tombstones}}) + "\n";
}

std::optional<std::vector<Tombstone>> read_tombstones(std::istream& in, std::string& why) {
    Reader reader;
    std::array<char, kLongestLine> buffer{};
    for (std::size_t number = 1;; ++number) {
        in.getline(buffer.data(), buffer.size());
        // gcount() includes the line end, if there is one.
        const auto length = static_cast<std::size_t>(in.gcount()) - (in.eof() || in.fail() ? 0 : 1);
        std::string_view line(buffer.data(), length);
        if (in.eof() && line.empty()) break;
        const std::string where = "line " + std::to_string(number) + ": ";
        if (in.bad() || (in.fail() && !in.eof())) {
            why = where + (in.bad() ? "it cannot be read" : "it is longer than any line of such a file");
            return std::nullopt;
        }
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (number == 1) line = json_document(line);  // an editor may have put a byte order mark in front
        if (line.empty()) continue;
        if (const auto wrong = reader.add(line)) {
            why = where + *wrong;
            return std::nullopt;
        }
    }
    if (!reader.ended()) {
        why = "the last line, which counts the tombstones, is missing: the file was cut off";
        return std::nullopt;
    }
    return reader.take();
}

}  // namespace glia
