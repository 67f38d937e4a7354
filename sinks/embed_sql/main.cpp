// Run by the build: generates a sink's sql.hpp and sql.cpp from its statements and migrations, so that the
// program needs no files at run time.
//   embed_sql SINK PREFIX FOLDER OUT      such as: embed_sql postgres '$' sinks/postgres out
// Statements become constants (statements.hpp describes their format). Migrations are embedded unchanged.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include "sinks/embed_sql/statements.hpp"

namespace glia::embed_sql {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in) throw std::runtime_error(path.string() + " cannot be read");
    return text;
}

/// Reads the files in a folder with one of these extensions, sorted by name.
std::vector<File> files_in(const fs::path& folder, const std::vector<std::string>& extensions) {
    std::vector<File> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (std::ranges::count(extensions, entry.path().extension().string()) > 0)
            files.push_back({entry.path().string(), read(entry.path())});
    }
    std::ranges::sort(files, {}, &File::path);
    return files;
}

/// Writes a file only if its text differs, so that unchanged sources are not recompiled.
void write(const fs::path& path, const std::string& text) {
    if (fs::exists(path) && read(path) == text) return;
    std::ofstream out(path, std::ios::binary);
    out << text;
    if (!out.flush()) throw std::runtime_error(path.string() + " cannot be written");
}

std::string literal(const std::string& text) {
    return "R\"~sql~(" + text + ")~sql~\"";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::string header(const std::string& sink, const std::vector<Statement>& statements,
                   std::size_t migrations) {
    std::string text =
        "// Made from sql/ and migrations/.\n#pragma once\n#include <array>\n#include <string_view>\n\n";
    text += "namespace glia::" + sink + "::sql {\n";
    for (const Statement& s : statements) {
        text += "/// " + (s.parameters.empty() ? "No parameters." : joined(s.parameters)) + "\n";
        text += "extern const std::string_view " + s.name + ";\n";
    }
    text += "\nstruct Statement {\n    std::string_view name;\n    std::string_view text;\n};\n";
    text += "/// All of the above, for tests of each.\n";
    text += "std::array<Statement, " + std::to_string(statements.size()) + "> statements();\n";
    text += "\nstruct Migration {\n    std::string_view name;\n    std::string_view text;\n};\n";
    text += "/// In order: the first is version 1.\n";
    text += "extern const std::array<Migration, " + std::to_string(migrations) + "> migrations;\n";
    return text + "}  // namespace glia::" + sink + "::sql\n";
}

std::string source(const std::string& sink, const std::vector<Statement>& statements,
                   const std::vector<File>& migrations) {
    std::string text = "// Made from sql/ and migrations/.\n#include \"sinks/" + sink + "/sql.hpp\"\n\n";
    text += "namespace glia::" + sink + "::sql {\n";
    std::string table;
    for (const Statement& s : statements) {
        text += "const std::string_view " + s.name + " = " + literal(s.text) + ";\n";
        table += "    Statement{\"" + s.name + "\", " + s.name + "},\n";
    }
    text +=
        "std::array<Statement, " + std::to_string(statements.size()) + "> statements() {\n    return {{\n";
    text += table + "}};\n}\n";
    std::string pieces;
    for (const File& migration : migrations) {
        pieces += "    Migration{\"" + fs::path(migration.path).stem().string() + "\", " +
                  literal(migration.text) + "},\n";
    }
    text +=
        "const std::array<Migration, " + std::to_string(migrations.size()) + "> migrations = {{\n" + pieces;
    return text + "}};\n}  // namespace glia::" + sink + "::sql\n";
}

int run(const std::string& sink, char parameter_prefix, const fs::path& folder, const fs::path& out) {
    const Statements statements =
        read_statements(files_in(folder / "sql", {".sql"}), files_in(folder, {".cpp", ".hpp"}),
                        parameter_prefix, column_lists());
    for (const std::string& problem : statements.problems) std::cerr << problem << '\n';
    if (!statements.problems.empty()) return 1;
    const auto migrations = files_in(folder / "migrations", {".sql"});
    write(out / "sql.hpp", header(sink, statements.all, migrations.size()));
    write(out / "sql.cpp", source(sink, statements.all, migrations));
    return 0;
}

}  // namespace
}  // namespace glia::embed_sql

int main(int count, char** arguments) {
    if (count != 5) {
        std::cerr << "usage: embed_sql SINK PREFIX FOLDER OUT\n";
        return 64;
    }
    try {
        return glia::embed_sql::run(arguments[1], *arguments[2], arguments[3], arguments[4]);
    } catch (const std::exception& error) {
        std::cerr << "embed_sql: " << error.what() << '\n';
        return 1;
    }
}
