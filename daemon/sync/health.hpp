// The state of the sites that this instance reads: for systemd's status line and the metrics, without asking
// the database.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace glia {

/// Loop's thread only. Values, no I/O.
class Health {
  public:
    void begins(const std::string& site) { sites_[site].reading = true; }
    /// A poll of the site ended. `error` is empty if it succeeded or another instance reads the site.
    void ends(const std::string& site, std::string error) {
        Site& known = sites_[site];
        known.reading = false;
        known.read = true;
        known.error = std::move(error);
    }
    std::vector<std::string> being_read() const;
    /// Returns one line: `4 sites in order`, how many sites fail and why, or how many were read since the
    /// start.
    std::string summary(std::size_t sites) const;

  private:
    struct Site {
        bool reading = false;
        bool read = false;  // at least once, by any instance
        std::string error;
    };
    std::map<std::string, Site> sites_;
};

}  // namespace glia
