// Opening a session: what a failure means, and what is said of it. libpq's own words are not passed on, for
// they quote the DSN; the server's are, with all masked that the DSN holds and nobody may see.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinks/secrets.hpp"
#include "sinks/sink.hpp"

struct pg_conn;  // libpq's PGconn

namespace glia::postgres {

/// An answer of a server that refuses a login.
struct Refusal {
    std::string sqlstate;
    std::string text;  ///< one line, in the server's language
    bool operator==(const Refusal&) const = default;
};

/// What it means: `unavailable` may pass by itself (starting up, too many connections, shutting down, no
/// resources), `misconfigured` does not (login, database, privilege, parameter). Decided by the SQLSTATE;
/// what is not known is `unavailable`. Only for 08P01, with which PgBouncer before 1.19 says everything, and
/// in English only, the text counts.
SinkError::Kind kind_of_refusal(const Refusal& refusal);

/// The answers in libpq's message about a failed connection, which PQERRORS_VERBOSE has shaped; one for each
/// host that answered.
std::vector<Refusal> refusals_in(std::string_view message);

/// Why no server answered, in our words.
struct Unreached {
    SinkError::Kind kind;
    std::string words;
    bool operator==(const Unreached&) const = default;
};

/// Finds libpq's reason in its message about a failed connection, whatever that quotes. An unknown one is
/// `unavailable`.
Unreached unreached(std::string_view message);

/// Opens a session and returns libpq's handle, which the caller closes. `secrets` gets what nobody may see of
/// the DSN, of libpq's environment and of its files. Throws SinkError, `unavailable` or `misconfigured`.
pg_conn* log_in(const std::string& dsn, Secrets& secrets);

}  // namespace glia::postgres
