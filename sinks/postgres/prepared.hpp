// Statements that a session has parsed and planned once, for all its transactions.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace glia::postgres {

/// Which statements a session knows by a name. Parsing and planning cost PostgreSQL as much as running
/// what finds nothing to change; but a pooler that gives every transaction another session must not be
/// asked for what another one prepared. Belongs to one session.
class Prepared {
  public:
    /// The name to run a statement by; empty: run its text. `prepare` makes a name known to the session, at
    /// the second use: most statements of a short command come once. If it throws, the statement has no name
    /// yet.
    std::string name(std::string_view sql, const std::function<void(const std::string& name)>& prepare);
    /// Nothing is prepared from now on, and nothing that was is asked for.
    void forbid() { allowed_ = false; }
    /// True if something may be asked for by name.
    bool any() const { return allowed_ && prepared_ > 0; }

  private:
    bool allowed_ = true;
    int prepared_ = 0;
    std::map<std::string, std::string, std::less<>> names_;  // by text; as many as there are files in sql/
};

}  // namespace glia::postgres
