// Opens a session and classifies failures. Messages of libpq are not shown, because they quote the DSN.
// Messages of the server are shown with all secrets of the DSN masked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinks/secrets.hpp"
#include "sinks/sink.hpp"

struct pg_conn;  // libpq's PGconn

namespace glia::postgres {

/// A server's response that refuses a login.
struct Refusal {
    std::string sqlstate;
    std::string text;  ///< one line, in the server's language
    bool operator==(const Refusal&) const = default;
};

/// Decides by the SQLSTATE whether a refusal is `unavailable` (starting up, too many connections, shutting
/// down, no resources: the same login may succeed later) or `misconfigured` (login, database, privilege,
/// parameter). An unknown SQLSTATE is `unavailable`. Uses the text only for 08P01, which PgBouncer 1.18 sends
/// for all its errors, in English.
SinkError::Kind kind_of_refusal(const Refusal& refusal);

/// Extracts the server's responses from libpq's message about a failed connection with PQERRORS_VERBOSE: one
/// for each host that responded.
std::vector<Refusal> refusals_in(std::string_view message);

/// Why no server responded, in this program's own words.
struct ConnectFailure {
    SinkError::Kind kind;
    std::string words;
    bool operator==(const ConnectFailure&) const = default;
};

/// Finds the reason in libpq's message about a failed connection. An unknown reason is `unavailable`.
ConnectFailure connect_failure(std::string_view message);

/// Opens a session and returns libpq's handle, which the caller closes. Adds the secrets of the DSN, of
/// libpq's environment and of its files to `secrets`. Throws SinkError, `unavailable` or `misconfigured`.
pg_conn* log_in(const std::string& dsn, Secrets& secrets);

}  // namespace glia::postgres
