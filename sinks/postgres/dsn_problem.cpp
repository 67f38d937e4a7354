// dsn_problem() and dsn_surroundings_problem().
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "sinks/nearest.hpp"
#include "sinks/postgres/dsn.hpp"

namespace glia::postgres {
namespace {

using Problem = std::optional<std::string>;
using Parameters = std::vector<DsnParameter>;

const std::string kQuote =
    "; put a value with a space, a quote or a backslash in single quotes, and a \\ before each ' and \\ in "
    "it";
const std::string kEncode = "; percent-encode each of : / ? # [ ] @ % and space in a user or a password";

std::string ordinal(std::size_t number) {
    const char* ending = number % 100 / 10 == 1 ? "th"
                         : number % 10 == 1     ? "st"
                         : number % 10 == 2     ? "nd"
                         : number % 10 == 3     ? "rd"
                                                : "th";
    return std::to_string(number) + ending;
}

bool is_space(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

/// Describes a parameter by its number and by the valid keyword before it. Does not quote its text, which may
/// be part of a password.
class Place {
  public:
    void next() { ++number_; }
    void passed(const std::string& known) { after_ = known; }
    std::string text() const {
        return "the " + ordinal(number_) + " parameter" + (after_.empty() ? "" : ", after " + after_ + ",");
    }

  private:
    std::size_t number_ = 0;
    std::string after_;
};

std::string unknown_parameter(const Place& place, const std::string& keyword,
                              const std::vector<std::string>& known, const std::string& advice) {
    const auto hint = nearest(keyword, known);
    return place.text() + " is unknown to libpq" + (hint ? "; did you mean " + *hint + "?" : advice);
}

/// Explains why libpq's conninfo_parse() refuses a key=value DSN, by the same steps.
std::string key_value_problem(std::string_view dsn) {
    const std::vector<std::string> known = dsn_keywords();
    Place place;
    std::size_t at = 0;
    const auto skip_space = [&] {
        while (at < dsn.size() && is_space(dsn[at])) ++at;
    };
    for (skip_space(); at < dsn.size(); skip_space()) {
        place.next();
        const std::size_t start = at;
        while (at < dsn.size() && dsn[at] != '=' && !is_space(dsn[at])) ++at;
        const std::string keyword(dsn.substr(start, at - start));
        skip_space();
        if (at >= dsn.size() || dsn[at] != '=') return place.text() + " has no =" + kQuote;
        ++at;
        skip_space();
        const bool is_known = std::find(known.begin(), known.end(), keyword) != known.end();
        if (at < dsn.size() && dsn[at] == '\'') {
            for (++at; at < dsn.size() && dsn[at] != '\''; ++at) {
                if (dsn[at] == '\\') ++at;
            }
            if (at >= dsn.size())
                return (is_known ? "the value of " + keyword : place.text()) + " has no closing quote" +
                       kQuote;
            ++at;
        } else {
            for (; at < dsn.size() && !is_space(dsn[at]); ++at) {
                if (dsn[at] == '\\') ++at;
            }
        }
        if (!is_known) return unknown_parameter(place, keyword, known, kQuote);
        place.passed(keyword);
    }
    return "libpq cannot read it" + kQuote;
}

bool percent_encoded(std::string_view text) {
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
        if (at + 2 >= text.size() || std::isxdigit(static_cast<unsigned char>(text[at + 1])) == 0 ||
            std::isxdigit(static_cast<unsigned char>(text[at + 2])) == 0 || text.substr(at, 3) == "%00")
            return false;
    }
    return true;
}

std::string query_problem(std::string_view query) {
    const std::vector<std::string> known = dsn_keywords();
    Place place;
    while (!query.empty()) {
        place.next();
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::string where = place.text() + " behind the ?";
        if (std::count(pair.begin(), pair.end(), '=') != 1)
            return where + " is not one keyword=value" + kEncode;
        const std::string keyword(pair.substr(0, pair.find('=')));
        if (std::find(known.begin(), known.end(), keyword) == known.end() && keyword != "ssl")
            return unknown_parameter(place, keyword, known, kEncode);
        if (!percent_encoded(pair)) return where + " has a % without two hexadecimal digits" + kEncode;
        if (keyword != "ssl") place.passed(keyword);
    }
    return "libpq cannot read it" + kEncode;
}

/// Explains why libpq's conninfo_uri_parse_options() refuses a URI, by the same steps. `rest` follows "://".
std::string uri_problem(std::string_view rest) {
    if (std::any_of(rest.begin(), rest.end(), is_space))
        return "it has a space or a line break in it" + kEncode;
    const std::size_t mark = rest.find_first_of("@/");
    if (mark != std::string_view::npos && rest[mark] == '@') {
        if (!percent_encoded(rest.substr(0, mark)))
            return "the user or the password has a % without two hexadecimal digits" + kEncode;
        rest.remove_prefix(mark + 1);
    }
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view hosts = rest.substr(0, end);
    if (std::count(hosts.begin(), hosts.end(), '[') != std::count(hosts.begin(), hosts.end(), ']'))
        return "the host has an unpaired bracket" + kEncode;
    if (hosts.find('[') != std::string_view::npos)
        return "the host in brackets must be an IPv6 address, and only a port may follow it" + kEncode;
    const std::size_t query = rest.find('?', end);
    if (!percent_encoded(rest.substr(0, query)))
        return "the host or the database has a % without two hexadecimal digits" + kEncode;
    if (query != std::string_view::npos) return query_problem(rest.substr(query + 1));
    return "libpq cannot read it" + kEncode;
}

bool is_uri(std::string_view dsn) {
    return dsn.starts_with("postgresql://") || dsn.starts_with("postgres://");
}

std::string syntax_problem(std::string_view dsn) {
    if (dsn.find('\0') != std::string_view::npos) return "it has a NUL byte in it";
    if (is_uri(dsn)) return uri_problem(dsn.substr(dsn.find("://") + 3));
    const std::size_t scheme = dsn.find("://");
    if (scheme != std::string_view::npos &&
        dsn.substr(0, scheme).find_first_of("= \t\n") == std::string_view::npos)
        return "a URI of a database begins with postgresql://";
    return key_value_problem(dsn);
}

bool is_number(std::string_view text, long lowest, long highest) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && number >= lowest && number <= highest;
}

std::vector<std::string> items(const std::string& list) {
    std::vector<std::string> found(1);
    for (const char c : list) {
        if (c == ',') {
            found.emplace_back();
        } else {
            found.back().push_back(c);
        }
    }
    return found;
}

/// Checks a value that accepted() does not check: libpq checks it only after it has resolved the host, or
/// never.
Problem unchecked_value_problem(const DsnParameter& parameter) {
    constexpr std::string_view kNumericParameters[] = {"connect_timeout",  "keepalives",
                                                       "keepalives_idle",  "keepalives_interval",
                                                       "keepalives_count", "tcp_user_timeout"};
    const auto& [keyword, value] = parameter;
    if (keyword == "port") {
        for (const std::string& port : items(value)) {
            if (!port.empty() && !is_number(port, 1, 65535))
                return "the port must be a number from 1 to 65535";
        }
    } else if (std::find(std::begin(kNumericParameters), std::end(kNumericParameters), keyword) !=
               std::end(kNumericParameters)) {
        if (!value.empty() && !is_number(value, -2'147'483'647, 2'147'483'647))
            return keyword + " must be a whole number";
    } else if (keyword == "hostaddr") {
        for (const std::string& address : items(value)) {
            unsigned char bytes[sizeof(in6_addr)];
            if (!address.empty() && inet_pton(AF_INET, address.c_str(), bytes) != 1 &&
                inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), bytes) != 1)
                return "hostaddr must be an IP address";
        }
    } else if (keyword == "host" && value.find('@') != std::string::npos && !value.starts_with('@')) {
        return "the host has an @ in it" + kEncode;
    } else if (keyword == "replication" && !value.empty()) {
        return "replication must not be set; the program needs an ordinary connection";
    }
    return std::nullopt;
}

/// True if libpq accepts the options. The host is replaced by a socket directory that does not exist. libpq
/// validates all options before it opens the socket, so an error that names the directory shows that the
/// options are valid.
bool accepted(Parameters parameters) {
    constexpr const char* kNowhere = "/nonexistent/glia-sync";
    std::size_t hosts = 1;
    for (const auto& [keyword, value] : parameters) {
        if (keyword == "host" || keyword == "hostaddr") hosts = std::max(hosts, items(value).size());
    }
    std::erase_if(parameters, [](const DsnParameter& parameter) {
        return parameter.keyword == "host" || parameter.keyword == "hostaddr" ||
               parameter.keyword == "dbname" || parameter.keyword == "user" ||
               parameter.keyword == "password";
    });
    std::string host = kNowhere;
    while (--hosts > 0) host += std::string(",") + kNowhere;
    // With a password given, libpq reads no password file.
    for (const DsnParameter& parameter :
         Parameters{{"host", host}, {"hostaddr", ""}, {"dbname", "x"}, {"user", "x"}, {"password", "x"}})
        parameters.push_back(parameter);
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const auto& [keyword, value] : parameters) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(
        PQconnectStartParams(keywords.data(), values.data(), 0), PQfinish);
    return !connection || PQstatus(connection.get()) != CONNECTION_BAD ||
           std::string_view(PQerrorMessage(connection.get())).find(kNowhere) != std::string_view::npos;
}

std::string wrong_value(const std::string& keyword) {
    std::string list;
    for (const std::string& choice : dsn_choices(keyword)) list += (list.empty() ? "" : ", ") + choice;
    if (!list.empty()) return keyword + " must be one of " + list;
    return "libpq does not accept the value of " + keyword;
}

Problem values_problem(const Parameters& parameters) {
    std::size_t hosts = 0;
    std::size_t addresses = 0;
    for (const DsnParameter& parameter : parameters) {
        if (const Problem problem = unchecked_value_problem(parameter)) return problem;
        if (parameter.keyword == "host" && !parameter.value.empty()) hosts = items(parameter.value).size();
        if (parameter.keyword == "hostaddr" && !parameter.value.empty())
            addresses = items(parameter.value).size();
    }
    if (hosts > 0 && addresses > 0 && hosts != addresses)
        return "host and hostaddr must have the same number of entries";
    if (!accepted({}) || accepted(parameters)) return std::nullopt;
    for (const DsnParameter& parameter : parameters) {
        if (parameter.keyword == "port") continue;  // valid only with the matching number of hosts
        if (!accepted({parameter})) return wrong_value(parameter.keyword);
    }
    for (const DsnParameter& parameter : parameters) {
        Parameters others = parameters;
        std::erase(others, parameter);
        if (accepted(others)) return wrong_value(parameter.keyword) + " beside the other parameters";
    }
    return "libpq does not accept this combination of values";
}

Parameters without_service(Parameters parameters) {
    std::erase_if(parameters, [](const DsnParameter& parameter) { return parameter.keyword == "service"; });
    return parameters;
}

/// Names a file by its parameter and its path, masked if necessary.
std::string file_text(const DsnParameter& parameter) {
    return parameter.keyword + " (" + masked({parameter})[0].value + ")";
}

Problem file_problem(const DsnParameter& parameter) {
    constexpr std::string_view kFiles[] = {"sslrootcert", "sslcert",   "sslkey",
                                           "sslcrl",      "sslcrldir", "passfile"};
    const auto& [keyword, value] = parameter;
    if (value.empty() || std::find(std::begin(kFiles), std::end(kFiles), keyword) == std::end(kFiles))
        return std::nullopt;
    if ((keyword == "sslrootcert" && value == "system") ||
        (keyword == "sslkey" && value.find(':') != std::string::npos))
        return std::nullopt;  // not files: the system's certificates, a key in hardware
    errno = 0;
    const std::unique_ptr<BIO, void (*)(BIO*)> file(BIO_new_file(value.c_str(), "r"), BIO_free_all);
    if (!file)
        return "the file of " + file_text(parameter) + " cannot be read (" +
               std::generic_category().message(errno) + ")";
    if (keyword != "sslrootcert" && keyword != "sslcert") return std::nullopt;
    const std::unique_ptr<X509, void (*)(X509*)> certificate(
        PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
    if (!certificate) return "the file of " + file_text(parameter) + " holds no certificate in PEM";
    return std::nullopt;
}

/// An environment variable of libpq that is set.
struct Variable {
    std::string name;
    DsnParameter parameter;
    std::optional<std::string> otherwise;  ///< libpq's built-in default
};

std::vector<Variable> variables() {
    std::vector<Variable> found;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfoParse("", nullptr),
                                                                                 PQconninfoFree);
    for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option) {
        if (!option->envvar) continue;
        // The program never changes its environment, so getenv() cannot race.
        const char* value = std::getenv(option->envvar);  // NOLINT(concurrency-mt-unsafe)
        if (!value) continue;
        found.push_back({option->envvar,
                         {option->keyword, value},
                         option->compiled ? std::optional<std::string>(option->compiled) : std::nullopt});
    }
    return found;
}

Problem environment_problem(const Parameters& parameters) {
    const std::vector<Variable> set = variables();
    for (const Variable& variable : set) {
        const bool given = std::any_of(
            parameters.begin(), parameters.end(),
            [&](const DsnParameter& parameter) { return parameter.keyword == variable.parameter.keyword; });
        if (given) continue;
        Problem problem = unchecked_value_problem(variable.parameter);
        if (!problem) problem = file_problem(variable.parameter);
        if (problem) return "the environment variable " + variable.name + ": " + *problem;
    }
    if (accepted(parameters)) return std::nullopt;
    std::string names;
    for (const Variable& variable : set) {
        if (variable.otherwise) {
            Parameters mended = parameters;
            mended.push_back({variable.parameter.keyword, *variable.otherwise});
            if (accepted(mended))
                return "the environment variable " + variable.name + ": " +
                       wrong_value(variable.parameter.keyword);
        }
        names += (names.empty() ? "" : ", ") + variable.name;
    }
    return names.empty() ? "libpq does not accept it"
                         : "libpq does not accept it together with the environment: " + names;
}

}  // namespace

Problem dsn_problem(const std::string& dsn) {
    const auto parameters = parse_dsn(dsn);
    if (!parameters) return syntax_problem(dsn);
    const bool control =
        std::any_of(parameters->begin(), parameters->end(), [](const DsnParameter& parameter) {
            return parameter.keyword != "password" &&
                   std::any_of(parameter.value.begin(), parameter.value.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        });
    if (control) return "it has a line break or another control character in it";
    Problem problem = values_problem(without_service(*parameters));
    if (problem && is_uri(dsn) && problem->starts_with("the port")) *problem += kEncode;
    return problem;
}

Problem dsn_surroundings_problem(const std::string& dsn) {
    const auto parameters = parse_dsn(dsn);
    if (!parameters) return syntax_problem(dsn);
    const auto value_of = [&](std::string_view keyword) {
        const auto found = std::find_if(parameters->begin(), parameters->end(),
                                        [&](const DsnParameter& p) { return p.keyword == keyword; });
        return found == parameters->end() ? std::string() : found->value;
    };
    if (!value_of("service").empty() && accepted(without_service(*parameters)) && !accepted(*parameters))
        return "libpq finds no such service, or cannot use its definition; is PGSERVICEFILE right?";
    for (const DsnParameter& parameter : *parameters) {
        if (value_of("sslmode") == "disable" && parameter.keyword.starts_with("ssl")) continue;
        if (const Problem problem = file_problem(parameter)) return problem;
    }
    return environment_problem(*parameters);
}

}  // namespace glia::postgres
