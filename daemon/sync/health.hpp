// How the sites fare that this instance reads: what systemd's status line and the metrics tell without asking
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
    /// `error` empty: all went well, or another instance reads the site.
    void ends(const std::string& site, std::string error) {
        Site& known = sites_[site];
        known.reading = false;
        known.read = true;
        known.error = std::move(error);
    }
    std::vector<std::string> being_read() const;
    /// `4 sites in order`, or how many are not, and why, or how many have been read since the start.
    std::string summary(std::size_t sites) const;

  private:
    struct Site {
        bool reading = false;
        bool read = false;  // at least once, by whomever
        std::string error;
    };
    std::map<std::string, Site> sites_;
};

}  // namespace glia
