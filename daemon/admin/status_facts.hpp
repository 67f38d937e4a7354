// Computes the values that the status page and /status.json have in common, so that both agree.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/base/metrics.hpp"
#include "sinks/status.hpp"

namespace glia {

/// The input of the status page and of /status.json.
struct StatusInput {
    Gauges gauges;
    History history;
    Instant now{};
    bool with_errors = true;  ///< false: omits error texts, which may quote what a visitor wrote
    std::map<std::string, std::vector<VolumeDay>> volume_days{};  ///< by site
};

/// Numbers of runs to read, of runs to show, and of failures to show. sync_runs has no index for failures, so
/// they are searched only among the runs that were read.
inline constexpr std::int64_t kRunsRead = 300;
inline constexpr std::size_t kRunsShown = 20;
inline constexpr std::size_t kFailuresShown = 10;
/// Days of volume to read, up to the day of the newest hour that is over.
inline constexpr std::int64_t kVolumeDays = 14;

/// `first_pass`: no pass has been completed yet.
enum class SiteState { in_order, first_pass, failing };
/// The state in words.
const char* name_of(SiteState state);
/// Returns the state of a site or of one of its streams. `site`: null if it has not been read yet.
SiteState state_of(const SiteStatus* site);

/// The service as a whole.
struct OverallState {
    bool in_order = false;
    std::string text;
};
OverallState overall_state(const StatusInput& input);

/// Returns a site's lag in seconds as of now: it grows while the database is unavailable. None if no pass of
/// the site has been completed.
std::optional<double> lag_now(const Gauges& gauges, const SiteStatus& site);

/// Returns an error's text, or a placeholder if `with_errors` is false. None if there is no error.
OptionalText shown_error(const StatusInput& input, const OptionalText& error);

/// The names of sites. A label includes the id if the name is unknown or if several sites have the name.
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

/// Sums over the days of a site.
struct VolumeTotals {
    std::int64_t engagements = 0;  ///< of all days
    std::int64_t days = 0;
    std::int64_t compared = 0;       ///< engagements of the days that have an expected number
    std::int64_t compared_days = 0;  ///< number of these days
    double expected = 0;             ///< sum of the expected numbers
};
VolumeTotals total_of(const std::vector<VolumeDay>& days);

/// Return the runs and the failures to show, the newest first.
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
