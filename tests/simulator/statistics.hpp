// The interval statistics of the simulated contact centre (spec: directory-and-statistics, Statistics). They
// are independent of the engagements.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulator/world.hpp"

namespace simulator {

/// Computed from a seed on request. The statistics of a site's half hour depend only on the seed, the site,
/// the half hour, and the number of changes.
class Statistics {
  public:
    using Query = std::multimap<std::string, std::string>;
    struct Response {
        int status = 200;
        std::string body;
    };

    Statistics(const World& world, std::uint64_t seed) : world_(world), seed_(seed) {}

    /// The response to POST `path`; none for paths of other resources. Contains nothing after `now_ms`.
    /// `with_broken_record`: one element is broken.
    std::optional<Response> respond(const std::string& path, const Query& query, std::int64_t now_ms,
                                    bool with_broken_record = false);

    /// The statistics of [from, to), one line of JSON per element: `source`, `timestamp`, dimensions and
    /// measures.
    std::string truth(std::int64_t from_ms, std::int64_t to_ms) const;

    /// Changes `n` half hours, each of some site, within the `ago_ms` before `now_ms`.
    void mutate(int n, std::int64_t now_ms, std::int64_t ago_ms);
    /// Responds with this status for a source (queue_wait, handle, wrap_up, operator_state) from now on; 0:
    /// no longer.
    void refuse(const std::string& source, int status) { refused_[source] = status; }
    /// Responses get undocumented members, and dimensions of other types.
    void set_strange(bool strange) { strange_ = strange; }

  private:
    struct Fact {
        std::int64_t at_ms = 0;
        std::map<std::string, std::string> dimensions;
        std::map<std::string, std::int64_t> measures;
    };

    std::vector<Fact> facts(const std::string& source, int site, std::int64_t slot) const;

    const World& world_;
    std::uint64_t seed_;
    std::uint64_t mutations_ = 0;
    std::map<std::pair<int, std::int64_t>, std::uint64_t> changed_;  // half hours of a site
    std::map<std::string, int> refused_;
    bool strange_ = false;
};

}  // namespace simulator
