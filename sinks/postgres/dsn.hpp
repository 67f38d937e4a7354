// Parsing, masking and checking a DSN. A DSN holds a password, and libpq's parse errors quote it. Only this
// file's functions turn a DSN into text for a person.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/secrets.hpp"

namespace glia::postgres {

/// One parameter of a DSN: libpq's keyword, and the value with quotes, escapes and percent-encoding removed.
struct DsnParameter {
    std::string keyword;
    std::string value;
    bool operator==(const DsnParameter&) const = default;
};

/// Every keyword that this libpq knows.
std::vector<std::string> dsn_keywords();

/// Parses a DSN, key=value or URI, with libpq; none if libpq reports an error.
std::optional<std::vector<DsnParameter>> parse_dsn(const std::string& dsn);

/// Parameters as key=value text that libpq reads.
std::string to_dsn(const std::vector<DsnParameter>& parameters);

/// The values of an enumerated keyword; empty for other keywords.
std::vector<std::string> dsn_choices(const std::string& keyword);

/// Replaces every value that no person may see by kMask: values of keywords that are not known to be
/// harmless, and values that do not have the form of their keyword. The second rule is for passwords that are
/// not quoted or encoded, which libpq reads as parts of other parameters.
std::vector<DsnParameter> masked(std::vector<DsnParameter> parameters);

/// The DSN in key=value form, masked; only kMask if libpq cannot parse it.
std::string masked_dsn(const std::string& dsn);

/// Adds every value that masked() masks to `secrets`, except those that also stand unmasked in another
/// parameter.
void add_secrets(Secrets& secrets, const std::vector<DsnParameter>& parameters);

/// Reports what is wrong with a DSN in one line that quotes nothing of it; none if it is valid. Needs neither
/// a connection nor files, and ignores the environment.
std::optional<std::string> dsn_problem(const std::string& dsn);

/// Reports what is wrong with the service, certificates and password file that a DSN names, and with libpq's
/// environment variables, which fill in missing parameters. One line that quotes no value except a file's
/// path.
std::optional<std::string> dsn_surroundings_problem(const std::string& dsn);

}  // namespace glia::postgres
