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
    std::string_view message_part;
    SinkError::Kind kind;
    std::string_view words;
};
constexpr auto kUnavailable = SinkError::Kind::unavailable;
constexpr auto kMisconfigured = SinkError::Kind::misconfigured;
constexpr Reason kReasons[] = {
    {"could not translate host name", kUnavailable, "the host's name does not resolve"},
    {"could not parse network address", kMisconfigured, "hostaddr is not an IP address"},
    {"server does not support SSL", kMisconfigured, "the server speaks no TLS, and sslmode demands it"},
    {"root certificate file", kMisconfigured, "sslrootcert names no usable file"},
    {"could not load system root certificate", kMisconfigured,
     "the system's root certificates cannot be used"},
    {"private key", kMisconfigured, "sslkey names no usable file; only its owner may have access to it"},
    {"certificate file", kMisconfigured, "sslcert names no usable file"},
    {"certificate verify failed", kMisconfigured,
     "TLS: the server's certificate is not trusted; is sslrootcert right?"},
    {"server certificate for", kMisconfigured, "TLS: the server's certificate is not for this host"},
    {"SSL error", kUnavailable, "the TLS handshake failed"},
    {"certificate", kMisconfigured, "TLS: the certificate cannot be used"},
    {"channel binding", kMisconfigured, "channel_binding demands what the server does not offer"},
    {"GSSAPI", kMisconfigured, "gssencmode or the server demands GSSAPI, which is not available"},
    {"auth method", kMisconfigured, "require_auth does not allow the server's authentication method"},
    {"authentication method", kMisconfigured, "libpq does not know the server's authentication method"},
    {"requirepeer", kMisconfigured, "requirepeer names another user than the server's"},
    {"password", kMisconfigured, "the password is not accepted"},
    {"Connection refused", kUnavailable, "connection refused"},
    {"No such file or directory", kUnavailable, "no server listens on the socket"},
    {"Permission denied", kMisconfigured, "no permission to use the socket"},
    {"timeout expired", kUnavailable, "no answer within the time limit"},
    {"timed out", kUnavailable, "no answer within the time limit"},
    {"No route to host", kUnavailable, "there is no route to the host"},
    {"unreachable", kUnavailable, "the network or the host is unreachable"},
    {"not read-only", kUnavailable, "the server is not read-only, and target_session_attrs demands it"},
    {"read-only", kUnavailable, "the server is read-only, and target_session_attrs demands another one"},
    {"standby", kUnavailable, "the server is not what target_session_attrs demands"},
    {"unexpectedly", kUnavailable, "the server closed the connection"},
    {"reset by peer", kUnavailable, "the server closed the connection"},
    {"invalid response", kUnavailable, "the server there is not PostgreSQL"},
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
    const bool wrong = std::all_of(refusals.begin(), refusals.end(), [](const Refusal& refusal) {
        return kind_of_refusal(refusal) == kMisconfigured;
    });
    const Refusal& last = refusals.back();
    const std::string said =
        secrets.scrub(last.text) + " [" + last.sqlstate + "] (" + tried(connection) + ")";
    if (!wrong) return {kUnavailable, "PostgreSQL cannot be reached: it refuses the login for now: " + said};
    if (last.sqlstate == "3D000")
        return {kMisconfigured, "PostgreSQL: " + said + "; create it, or correct sink.postgres.dsn"};
    return {kMisconfigured, "PostgreSQL refuses the login: " + said +
                                "; correct sink.postgres.dsn, the role, or the server's pg_hba.conf"};
}

SinkError not_reached(PGconn* connection) {
    const std::string where = " (" + tried(connection) + ")";
    if (PQconnectionNeedsPassword(connection) != 0)
        return {kMisconfigured, "PostgreSQL refuses the login: it asks for a password, and none is given" +
                                    where +
                                    "; correct sink.postgres.dsn, or give the role a password in a passfile"};
    const ConnectFailure reason = connect_failure(PQerrorMessage(connection));
    return {reason.kind,
            "PostgreSQL cannot be reached: " + reason.words + where +
                (reason.kind == kMisconfigured ? "; correct sink.postgres.dsn"
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
            if (refusal.text.starts_with(beginning)) return kMisconfigured;
        }
    }
    // 0A: a protocol or feature that the server does not have; 22, 42: a parameter, a privilege, a name; 28:
    // the login; 3D: the database.
    const bool wrong = is_class("0A") || is_class("22") || is_class("28") || is_class("3D") ||
                       is_class("3F") || is_class("42");
    return wrong ? kMisconfigured : kUnavailable;
}

std::vector<Refusal> refusals_in(std::string_view message) {
    std::vector<Refusal> found;
    // The format is "SEVERITY:  SQLSTATE: text", with the severity in the server's language.
    constexpr std::string_view kSeparator = ":  ";
    for (std::size_t at = message.find(kSeparator); at != std::string_view::npos;
         at = message.find(kSeparator, at)) {
        at += kSeparator.size();
        const std::string_view rest = message.substr(at);
        if (rest.size() < 7 || !is_sqlstate(rest.substr(0, 5)) || rest.substr(5, 2) != ": ") continue;
        const std::string_view text = rest.substr(7, rest.find('\n') - 7);
        found.push_back({std::string(rest.substr(0, 5)), std::string(text)});
        at += 7 + text.size();
    }
    return found;
}

ConnectFailure connect_failure(std::string_view message) {
    std::string plain;  // without quoted names, which may contain any of the searched texts
    bool quoted = false;
    for (const char c : message) {
        if (c == '"') quoted = !quoted;
        if (!quoted) plain.push_back(c);
    }
    const auto* reason = std::find_if(std::begin(kReasons), std::end(kReasons), [&](const Reason& known) {
        return plain.find(known.message_part) != std::string::npos;
    });
    if (reason == std::end(kReasons))
        return {kUnavailable, "no session could be opened; psql with the same DSN says why"};
    return {reason->kind, std::string(reason->words)};
}

PGconn* log_in(const std::string& dsn, Secrets& secrets) {
    const auto parameters = parse_dsn(dsn);
    if (!parameters)
        throw SinkError(kMisconfigured, "sink.postgres.dsn: " + dsn_problem(dsn).value_or("cannot be read"));
    add_secrets(secrets, *parameters);
    Handle connection(PQconnectdb(dsn.c_str()), PQfinish);
    if (!connection) throw SinkError(kUnavailable, "PostgreSQL cannot be reached: out of memory");
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
