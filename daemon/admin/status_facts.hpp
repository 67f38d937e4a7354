// What the status page and /status.json say, decided once: both are written from these facts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/base/metrics.hpp"
#include "sinks/status.hpp"

namespace glia {

/// Everything that the page and the JSON are made of.
struct StatusInput {
    Gauges gauges;
    History history;
    Instant now{};
    bool with_errors = true;  ///< false: texts of errors, which may quote what a visitor wrote, stay out
    std::map<std::string, std::vector<VolumeDay>> volume_days{};  ///< by site
};

/// How many runs are read, how many of them are shown, and how many failures among those read. Failures have
/// no index of their own, so their search ends with the runs that are read.
inline constexpr std::int64_t kRunsRead = 300;
inline constexpr std::size_t kRunsShown = 20;
inline constexpr std::size_t kFailuresShown = 10;
/// Days of volume, today included.
inline constexpr std::int64_t kVolumeDays = 14;

enum class SiteState { in_order, first_pass, failing };
/// The state in words.
const char* name_of(SiteState state);
/// Of a site or one of its streams. `site`: null if it has not been read yet.
SiteState state_of(const SiteStatus* site);

/// The service as a whole.
struct OverallState {
    bool in_order = false;
    std::string text;
};
OverallState overall_state(const StatusInput& input);

/// The lag of a site now: it grows while the database is away. None: the site has not been read through.
std::optional<double> lag_now(const Gauges& gauges, const SiteStatus& site);

/// The text of an error, or a sentence instead of it where it may not be seen. None: there is no error.
OptionalText shown_error(const StatusInput& input, const OptionalText& error);

/// What sites are called: by their names, with the id where the name is unknown or of several sites.
class SiteNames {
  public:
    explicit SiteNames(const StatusInput& input);

    struct Label {
        OptionalText name;  ///< none: only the id is known
        bool with_id = true;
    };
    Label of(const std::string& site_id) const;

  private:
    std::map<std::string, std::string> names_;      ///< by id
    std::map<std::string, std::size_t> ids_named_;  ///< how many sites have the name
};

/// The days of a site taken together.
struct VolumeTotals {
    std::int64_t engagements = 0;  ///< of all days
    std::int64_t days = 0;
    std::int64_t compared = 0;  ///< engagements of the days of which something is expected
    std::int64_t compared_days = 0;
    double expected = 0;  ///< of the same days
};
VolumeTotals total_of(const std::vector<VolumeDay>& days);

/// The newest runs, and the newest failures among all that were read; the newest first.
std::vector<RunStatus> newest_runs(const History& history);
std::vector<RunStatus> failed_runs(const History& history);

/// Returns the site's value, or an empty one if the map has none.
template <typename Map>
typename Map::mapped_type value_or_empty(const Map& by_site, const std::string& site_id) {
    const auto found = by_site.find(site_id);
    return found == by_site.end() ? typename Map::mapped_type{} : found->second;
}

/// `2026-11-24`.
std::string date_of(std::int64_t days_since_1970);

}  // namespace glia
