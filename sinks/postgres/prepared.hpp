// Statements that a session has parsed and planned once, for all its transactions.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace glia::postgres {

/// Which statements a session knows by a name. Parsing and planning cost PostgreSQL as much as running
/// what finds nothing to change; but a pooler that gives every transaction another session must not be
/// asked for what another one prepared. Belongs to one session.
class Prepared {
  public:
    /// What to do with a statement.
    struct Use {
        bool prepare = false;  ///< first make `name` known to the session
        std::string name;      ///< empty: run the text
    };
    /// Prepares from the second use on: most statements of a short command come once.
    Use use(std::string_view sql);
    /// Nothing is prepared from now on, and nothing that was is asked for.
    void forbid() { allowed_ = false; }
    /// True if something may be asked for by name.
    bool any() const { return allowed_ && prepared_ > 0; }

  private:
    bool allowed_ = true;
    int prepared_ = 0;
    std::map<std::string, Use, std::less<>> statements_;  // by their text; as many as there are files in sql/
};

}  // namespace glia::postgres
