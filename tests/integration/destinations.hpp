// Destinations that write files, and how a test reads what they wrote.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "sinks/ndjson/line_writer.hpp"
#include "sinks/sqlite/sqlite_sink.hpp"
#include "tests/integration/csv_writer.hpp"
#include "tests/simulation/model_database.hpp"

namespace glia {

/// A kind of output, and how a test reads it.
struct Destination {
    const char* name;
    std::unique_ptr<Sink> (*open)(const std::string& folder, std::int64_t rotate_bytes);
    std::string (*id_of)(const std::string& row);
    std::string (*fetched_at_of)(const std::string& row);
    /// How a row differs from the engagement, in words; empty if it does not.
    std::string (*difference)(const std::string& row, const simulation::ModelDatabase::Row& known,
                              bool legs_known);
    bool has_header;
};
inline void PrintTo(const Destination& destination, std::ostream* out) {
    *out << destination.name;
}

inline std::unique_ptr<Sink> open_ndjson(const std::string& folder, std::int64_t rotate_bytes) {
    return ndjson::open({folder + "/out.ndjson", rotate_bytes, std::chrono::hours{1}, folder + "/state"});
}
inline std::string difference_of_line(const std::string& line, const simulation::ModelDatabase::Row& known,
                                      bool legs_known) {
    std::vector<std::string> parts{"\"duration\":" + std::to_string(*known.core.duration) +
                                   ",\"visitor_name\""};
    if (!legs_known) parts.emplace_back("\"legs\":null");
    for (const Leg& leg : known.legs)
        parts.push_back("{\"id\":\"" + leg.id.str() + "\",\"operator\":null,\"site\":null");
    for (const std::string& part : parts) {
        if (line.find(part) == std::string::npos) return " no " + part + " in " + line;
    }
    return {};
}

inline std::unique_ptr<Sink> open_csv(const std::string& folder, std::int64_t rotate_bytes) {
    const std::string path = folder + "/out";
    return sqlite::open({folder + "/state",
                         "csv " + path,
                         [path] { return std::make_unique<CsvWriter>(path); },
                         {rotate_bytes, std::chrono::hours{1}}});
}
inline std::string difference_of_row(const std::string& row, const simulation::ModelDatabase::Row& known,
                                     bool) {
    std::string legs;
    for (const Leg& leg : known.legs)
        legs += (legs.empty() ? "" : " ") + leg.id.str() + ":" + std::to_string(*leg.duration);
    const std::string start = "," + std::to_string(*known.core.duration) + ",";
    const bool whole = row.find(start) != std::string::npos && row.ends_with(",\"" + legs + "\"");
    return whole ? "" : " not as shown: " + row;
}

/// The text of a row between `start` and `end`.
inline std::string text_after(const std::string& row, const std::string& start, char end) {
    const std::size_t at = row.find(start) + start.size();
    return row.substr(at, row.find(end, at) - at);
}

inline const Destination kNdjson{
    "ndjson",
    open_ndjson,
    [](const std::string& line) { return text_after(line, "\"id\":\"", '"'); },
    [](const std::string& line) { return text_after(line, "\"fetched_at\":\"", '"'); },
    difference_of_line,
    false};
inline const Destination kCsv{"csv",
                              open_csv,
                              [](const std::string& row) { return text_after(row, "\"", '"'); },
                              [](const std::string& row) { return text_after(row, "\",", ','); },
                              difference_of_row,
                              true};

/// A temporary folder that a sink writes to.
class Folder {
  public:
    explicit Folder(const Destination& where) : destination(where) {
        std::string name = "/tmp/glia-files-XXXXXX";
        path = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::unique_ptr<Sink> sink(std::int64_t rotate_bytes = 1000) const {
        return destination.open(path, rotate_bytes);
    }
    std::string state() const { return path + "/state"; }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            const std::string name = entry.path().filename().string();
            if (name.starts_with("out-")) names.push_back(name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    std::vector<std::string> rows() const {
        std::vector<std::string> all;
        for (const std::string& name : files()) {
            std::ifstream in(path + "/" + name);
            std::string row;
            if (destination.has_header) std::getline(in, row);
            while (std::getline(in, row)) all.push_back(row);
        }
        return all;
    }
    std::string content() const {
        std::string all;
        for (const std::string& row : rows()) all += row + "\n";
        return all;
    }

    const Destination& destination;
    std::string path;
};

}  // namespace glia
