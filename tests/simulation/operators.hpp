// The operators of the modelled API: their changes, and the pages of each site's listing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"

namespace simulation {

using glia::Instant;

/// An operator at the source.
struct Person {
    std::string id;
    std::string name;
    bool enabled = true;
    std::set<std::string> sites;  ///< the sites that list this operator now
    /// By site: the times at which the operator was listed, removed, listed again, …
    std::map<std::string, std::vector<Instant>> changes{};

    glia::OperatorEntry entry() const;
    bool absent_within(const std::string& site, Instant from, Instant to) const;
};

class Operators {
  public:
    explicit Operators(int per_page) : per_page_(per_page) {}

    void add(const std::set<std::string>& sites, Instant now);
    /// Adds the operator to the site's listing, or removes the operator from it.
    void list(Person& person, const std::string& site, bool listed, Instant now);
    std::vector<Person>& persons() { return persons_; }
    const std::vector<Person>& persons() const { return persons_; }

    // Faults and when each ends. By site, or by the operator's id.
    std::map<std::string, Instant> refused_until;
    std::map<std::string, Instant> fails_until;
    std::map<std::string, Instant> unreadable_until;
    Instant down_until{};
    Instant links_repeat_until{};
    Instant cursors_lost_until{};  ///< a link is no longer known when it is followed
    void end_faults();

    /// Responds with the state at `now`. `asked`: when the request was sent.
    glia::Result<glia::FetchedListing> list(const std::string& site, Instant asked, Instant now);
    glia::Result<glia::FetchedListing> follow(const std::string& link, Instant asked, Instant now);

  private:
    struct Cursor {
        std::string site;
        std::string after;  ///< the last operator shown
    };
    glia::Result<glia::FetchedListing> page(const Cursor& cursor, const std::string& link, Instant asked,
                                            Instant now);

    int per_page_;
    std::vector<Person> persons_;  // in the order of their ids
    std::map<std::string, Cursor> cursors_;
    long cursor_count_ = 0;
};

}  // namespace simulation
