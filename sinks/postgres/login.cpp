#include "sinks/postgres/login.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "sinks/postgres/dsn.hpp"

namespace glia::postgres {
namespace {

using Handle = std::unique_ptr<PGconn, void (*)(PGconn*)>;

bool is_sqlstate(std::string_view text) {
    return text.size() == 5 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isdigit(c) != 0 || std::isupper(c) != 0;
           });
}

/// A reason why libpq could not connect, found by a part of its message. Messages of libpq and the C library
/// are in English because the program never leaves the C locale.
struct Reason {
    std::string_view sign;
    SinkError::Kind kind;
    std::string_view words;
};
constexpr auto kAway = SinkError::Kind::unavailable;
constexpr auto kWrong = SinkError::Kind::misconfigured;
constexpr Reason kReasons[] = {
    {"could not translate host name", kAway, "the host's name does not resolve"},
    {"could not parse network address", kWrong, "hostaddr is not an IP address"},
    {"server does not support SSL", kWrong, "the server speaks no TLS, and sslmode demands it"},
    {"root certificate file", kWrong, "sslrootcert names no usable file"},
    {"could not load system root certificate", kWrong, "the system's root certificates cannot be used"},
    {"private key", kWrong, "sslkey names no usable file; only its owner may have access to it"},
    {"certificate file", kWrong, "sslcert names no usable file"},
    {"certificate verify failed", kWrong,
     "TLS: the server's certificate is not trusted; is sslrootcert right?"},
    {"server certificate for", kWrong, "TLS: the server's certificate is not for this host"},
    {"SSL error", kAway, "the TLS handshake failed"},
    {"certificate", kWrong, "TLS: the certificate cannot be used"},
    {"channel binding", kWrong, "channel_binding demands what the server does not offer"},
    {"GSSAPI", kWrong, "gssencmode or the server demands GSSAPI, which is not available"},
    {"auth method", kWrong, "require_auth does not allow the server's authentication method"},
    {"authentication method", kWrong, "libpq does not know the server's authentication method"},
    {"requirepeer", kWrong, "requirepeer names another user than the server's"},
    {"password", kWrong, "the password is not accepted"},
    {"Connection refused", kAway, "connection refused"},
    {"No such file or directory", kAway, "no server listens on the socket"},
    {"Permission denied", kWrong, "no permission to use the socket"},
    {"timeout expired", kAway, "no answer within the time limit"},
    {"timed out", kAway, "no answer within the time limit"},
    {"No route to host", kAway, "there is no route to the host"},
    {"unreachable", kAway, "the network or the host is unreachable"},
    {"read-only", kAway, "the server is read-only, and target_session_attrs demands another one"},
    {"not read-only", kAway, "the server is not read-only, and target_session_attrs demands it"},
    {"standby", kAway, "the server is not what target_session_attrs demands"},
    {"unexpectedly", kAway, "the server closed the connection"},
    {"reset by peer", kAway, "the server closed the connection"},
    {"invalid response", kAway, "the server there is not PostgreSQL"},
};

/// The effective host, port, database and user, masked.
std::string tried(PGconn* connection) {
    const auto text = [](const char* value) { return std::string(value ? value : ""); };
    std::string where;
    for (const DsnParameter& part : masked({{"host", text(PQhost(connection))},
                                            {"port", text(PQport(connection))},
                                            {"dbname", text(PQdb(connection))},
                                            {"user", text(PQuser(connection))}})) {
        if (!part.value.empty()) where += (where.empty() ? "" : " ") + part.keyword + "=" + part.value;
    }
    return where;
}

SinkError refused(const std::vector<Refusal>& refusals, PGconn* connection, const Secrets& secrets) {
    const bool wrong = std::all_of(refusals.begin(), refusals.end(),
                                   [](const Refusal& refusal) { return kind_of_refusal(refusal) == kWrong; });
    const Refusal& last = refusals.back();
    const std::string said =
        secrets.scrub(last.text) + " [" + last.sqlstate + "] (" + tried(connection) + ")";
    if (!wrong) return {kAway, "PostgreSQL cannot be reached: it refuses the login for now: " + said};
    if (last.sqlstate == "3D000")
        return {kWrong, "PostgreSQL: " + said + "; create it, or correct sink.postgres.dsn"};
    return {kWrong, "PostgreSQL refuses the login: " + said +
                        "; correct sink.postgres.dsn, the role, or the server's pg_hba.conf"};
}

SinkError not_reached(PGconn* connection) {
    const std::string where = " (" + tried(connection) + ")";
    if (PQconnectionNeedsPassword(connection) != 0)
        return {kWrong, "PostgreSQL refuses the login: it asks for a password, and none is given" + where +
                            "; correct sink.postgres.dsn, or give the role a password in a passfile"};
    const Unreached reason = unreached(PQerrorMessage(connection));
    return {reason.kind, "PostgreSQL cannot be reached: " + reason.words + where +
                             (reason.kind == kWrong ? "; correct sink.postgres.dsn"
                                                    : "; is it running, and is sink.postgres.dsn right?")};
}

void add_effective_secrets(Secrets& secrets, PGconn* connection) {
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfo(connection),
                                                                                 PQconninfoFree);
    std::vector<DsnParameter> parameters;
    for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option) {
        if (option->val && *option->val) parameters.push_back({option->keyword, option->val});
    }
    if (const char* password = PQpass(connection))
        parameters.push_back({"password", password});  // from a passfile, for example
    add_secrets(secrets, parameters);
}

}  // namespace

SinkError::Kind kind_of_refusal(const Refusal& refusal) {
    const auto is_class = [&](std::string_view prefix) { return refusal.sqlstate.starts_with(prefix); };
    if (refusal.sqlstate == "08P01") {
        for (const std::string_view beginning :
             {"password authentication failed", "SASL authentication failed", "no such database",
              "no such user", "unsupported startup parameter", "bouncer config error", "login rejected"}) {
            if (refusal.text.starts_with(beginning)) return kWrong;
        }
    }
    // 0A: a protocol or feature that the server does not have; 22, 42: a parameter, a privilege, a name; 28:
    // the login; 3D: the database.
    const bool wrong = is_class("0A") || is_class("22") || is_class("28") || is_class("3D") ||
                       is_class("3F") || is_class("42");
    return wrong ? kWrong : kAway;
}

std::vector<Refusal> refusals_in(std::string_view message) {
    std::vector<Refusal> found;
    // The format is "SEVERITY:  SQLSTATE: text", with the severity in the server's language.
    constexpr std::string_view kSign = ":  ";
    for (std::size_t at = message.find(kSign); at != std::string_view::npos; at = message.find(kSign, at)) {
        at += kSign.size();
        const std::string_view rest = message.substr(at);
        if (rest.size() < 7 || !is_sqlstate(rest.substr(0, 5)) || rest.substr(5, 2) != ": ") continue;
        const std::string_view text = rest.substr(7, rest.find('\n') - 7);
        found.push_back({std::string(rest.substr(0, 5)), std::string(text)});
        at += 7 + text.size();
    }
    return found;
}

Unreached unreached(std::string_view message) {
    std::string plain;  // without quoted names, which may contain any of the searched texts
    bool quoted = false;
    for (const char c : message) {
        if (c == '"') quoted = !quoted;
        if (!quoted) plain.push_back(c);
    }
    const auto* reason = std::find_if(std::begin(kReasons), std::end(kReasons), [&](const Reason& known) {
        return plain.find(known.sign) != std::string::npos;
    });
    if (reason == std::end(kReasons))
        return {kAway, "no session could be opened; psql with the same DSN says why"};
    return {reason->kind, std::string(reason->words)};
}

PGconn* log_in(const std::string& dsn, Secrets& secrets) {
    const auto parameters = parse_dsn(dsn);
    if (!parameters)
        throw SinkError(kWrong, "sink.postgres.dsn: " + dsn_problem(dsn).value_or("cannot be read"));
    add_secrets(secrets, *parameters);
    Handle connection(PQconnectdb(dsn.c_str()), PQfinish);
    if (!connection) throw SinkError(kAway, "PostgreSQL cannot be reached: out of memory");
    add_effective_secrets(secrets, connection.get());
    if (PQstatus(connection.get()) == CONNECTION_OK) return connection.release();
    // If the message has the form of a server's error, "SEVERITY:  text", a second attempt with verbose
    // errors adds the SQLSTATE, which does not depend on the server's language. The verbosity cannot be set
    // before the first attempt: PQconnectdb() alone applies connect_timeout to each host and address, and it
    // returns the handle afterwards.
    if (std::string_view(PQerrorMessage(connection.get())).find(":  ") != std::string_view::npos) {
        PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
        PQreset(connection.get());
        if (PQstatus(connection.get()) == CONNECTION_OK) return connection.release();
    }
    const std::vector<Refusal> refusals = refusals_in(PQerrorMessage(connection.get()));
    throw refusals.empty() ? not_reached(connection.get()) : refused(refusals, connection.get(), secrets);
}

}  // namespace glia::postgres
