// Prepared statements of a session.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace glia::postgres {

/// Tracks which statements a session has prepared. Parsing and planning cost as much as executing a statement
/// that changes nothing. With a pooler that gives each transaction another session, statements must not be
/// prepared. Belongs to one session.
class Prepared {
  public:
    /// Returns the name of the prepared statement; empty if the text is to be executed. Calls `prepare` at
    /// the second use, because a short command runs most statements once. If `prepare` throws, the statement
    /// stays unprepared.
    std::string name(std::string_view sql, const std::function<void(const std::string& name)>& prepare);
    /// Disables prepared statements from now on.
    void forbid() { allowed_ = false; }
    /// True if the session has prepared statements and uses them.
    bool any() const { return allowed_ && prepared_ > 0; }

  private:
    bool allowed_ = true;
    int prepared_ = 0;
    std::map<std::string, std::string, std::less<>>
        names_;  // by text; bounded by the number of statements in sql/
};

}  // namespace glia::postgres
