// The directory of the simulated contact centre: operators, sites and queues as the API serves them (spec:
// directory-and-statistics).
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "tests/simulator/world.hpp"

namespace simulator {

/// Uses the World's ids, but its own random numbers, so that it does not change the engagements. The names of
/// queues are the World's, so that engagements and listing agree.
class Directory {
  public:
    using Query = std::multimap<std::string, std::string>;
    struct Response {
        int status = 200;
        std::string body;
    };

    Directory(World& world, std::uint64_t seed);

    /// The response to GET `path`; none for paths of other resources. `origin`: the start of links. Members
    /// that change by the minute differ in every response. `with_broken_record`: one record of the listing
    /// has no id.
    std::optional<Response> respond(const std::string& path, const Query& query, const std::string& origin,
                                    bool with_broken_record = false);

    /// {"operators": [...], "sites": [...], "queues": [...]}, without what changes by the minute.
    std::string truth() const;

    // Kinds are "operators", "sites" and "queues"; an index counts from 0 in the order of the listing.

    /// Changes `n` operators (each is renamed, closed or opened), one queue and one site.
    void mutate(int n);
    void rename(const std::string& kind, std::size_t index, const std::string& name);
    /// Sets a member to a JSON value.
    void set(const std::string& kind, std::size_t index, const std::string& member, const std::string& json);
    /// Removes an entry from the listing (`gone`), or adds it again.
    void remove(const std::string& kind, std::size_t index, bool gone);
    void add_operators(int n);
    /// Responds with this status from now on; 0: no longer.
    void refuse(const std::string& kind, int status) { refused_[kind] = status; }
    /// Operators are listed as a bare array, on one page.
    void set_bare(bool bare) { bare_ = bare; }
    /// The maximum page size, whatever size a request asks for.
    void set_largest_page(std::size_t size) { largest_page_ = size; }

  private:
    struct Record {
        boost::json::object members;
        bool gone = false;
    };
    using Records = std::vector<Record>;

    Record make_operator(const std::string& id, std::size_t number);
    Record make_site(const std::string& id, std::size_t number);
    Record make_queue(std::size_t number);
    Records& records(const std::string& kind) { return records_.at(kind); }
    void copy_queue_names();
    Response list(const std::string& kind, const Query& query, const std::string& origin,
                  bool with_broken_record);
    bool is_listed(const std::string& kind, const Record& record, const Query& query) const;
    boost::json::object shown(const std::string& kind, const Record& record);
    std::uint64_t next();
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }

    World& world_;
    std::uint64_t state_;
    std::uint64_t reads_ = 0;
    std::map<std::string, Records> records_;
    std::map<std::string, int> refused_;
    bool bare_ = false;
    std::size_t largest_page_ = 1000;
};

}  // namespace simulator
