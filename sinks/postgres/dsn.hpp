// A DSN as libpq reads it, and as much of it as a person may see. A DSN holds a password, and libpq's
// complaints about one quote it: no other file shows a piece of a DSN, or passes such a complaint on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/secrets.hpp"

namespace glia::postgres {

/// One parameter of a DSN: a keyword of libpq's, and its value with quotes, escapes and percent-encoding
/// undone.
struct DsnParameter {
    std::string keyword;
    std::string value;
    bool operator==(const DsnParameter&) const = default;
};

/// Every keyword that this libpq knows.
std::vector<std::string> dsn_keywords();

/// Reads a DSN, key=value or URI, as libpq does; none if libpq cannot.
std::optional<std::vector<DsnParameter>> parse_dsn(const std::string& dsn);

/// Parameters as key=value text that libpq reads.
std::string to_dsn(const std::vector<DsnParameter>& parameters);

/// The values that a keyword takes, if they are few; none: it takes others.
std::vector<std::string> dsn_choices(const std::string& keyword);

/// The parameters with the values masked that no person may see: those of keywords that are not known to hold
/// no secret, and those that do not look like what belongs there. An unquoted or unencoded password ends in
/// other parameters, where its characters give it away.
std::vector<DsnParameter> masked(std::vector<DsnParameter> parameters);

/// The DSN in key=value form and masked; nothing but a mask if libpq cannot read it.
std::string masked_dsn(const std::string& dsn);

/// Adds the values that masked() masks, unless the same is also shown as another parameter.
void add_secrets(Secrets& secrets, const std::vector<DsnParameter>& parameters);

/// What is wrong with a DSN by itself, one line that quotes nothing of it; none: nothing that can be told
/// without connecting, reading files or asking the environment.
std::optional<std::string> dsn_problem(const std::string& dsn);

/// What is wrong with what a DSN refers to: the service, certificates and password file that it names, and
/// libpq's environment variables, which fill in what it leaves out. One line that quotes no value but a
/// file's path.
std::optional<std::string> dsn_surroundings_problem(const std::string& dsn);

}  // namespace glia::postgres
