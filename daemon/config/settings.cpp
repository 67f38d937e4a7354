#include "daemon/config/settings.hpp"

#include <fstream>
#include <sstream>

#include "daemon/base/text.hpp"
#include "daemon/config/text_file.hpp"
#include "sinks/postgres/dsn.hpp"

namespace glia {

std::string resolve_dsn(const PostgresSettings& settings) {
    std::string dsn(trim(settings.dsn));
    std::string where = "sink.postgres.dsn";
    if (!settings.dsn_file.empty()) {
        where = settings.dsn_file + " (sink.postgres.dsn_file)";
        const std::string advice = "sink.postgres.dsn_file must hold the DSN in one line";
        std::istringstream in(read_text_file(settings.dsn_file, advice));
        for (std::string line; std::getline(in, line);) {
            line = std::string(trim(line));
            if (line.empty() || line.front() == '#') continue;
            if (!dsn.empty()) throw ConfigError({where + ": holds more than one line; " + advice});
            dsn = line;
        }
        if (dsn.empty()) throw ConfigError({where + ": holds nothing but comments; " + advice});
    }
    auto problem = postgres::dsn_problem(dsn);
    if (!problem) problem = postgres::dsn_surroundings_problem(dsn);
    if (problem) throw ConfigError({where + ": " + *problem});
    return dsn;
}

std::string read_privacy_key(const PrivacySettings& settings) {
    // Bytes. A shorter key can be guessed. A longer file is probably not a key.
    constexpr std::size_t kShortestKey = 16;
    constexpr std::size_t kLongestKey = std::size_t{1} << 20;
    if (!settings.levels.any_hash()) return {};
    std::ifstream in(settings.key_file, std::ios::binary);
    std::string key(kLongestKey + 1, '\0');
    in.read(key.data(),
            static_cast<std::streamsize>(key.size()));  // fails for a folder, without an exception
    key.resize(static_cast<std::size_t>(in.gcount()));
    const bool too_long = key.size() > kLongestKey;
    while (!key.empty() && static_cast<unsigned char>(key.back()) <= 0x20) key.pop_back();
    if (key.size() < kShortestKey || too_long) {
        throw std::runtime_error("privacy.key_file: " + settings.key_file +
                                 " cannot be read, or does not hold " + std::to_string(kShortestKey) +
                                 " to " + std::to_string(kLongestKey) +
                                 " bytes; make one with `openssl rand -hex 32 >FILE`");
    }
    return key;
}

}  // namespace glia
