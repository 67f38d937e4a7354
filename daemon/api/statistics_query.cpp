#include "daemon/api/statistics_query.hpp"

#include <array>
#include <vector>

#include "daemon/base/url.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

/// The request for one statistics source.
struct StatisticsRequest {
    const char* path;
    std::vector<const char*> dimensions;  ///< in addition to the site
    const char* user_type = nullptr;      ///< a filter; null: none
};
const StatisticsRequest& request_for(StatisticsSource source) {
    static const std::array<StatisticsRequest, kStatisticsSources.size()> kRequests{{
        {"/engagements/stats/queue/wait_duration", {"queue_id", "outcome", "from_transfer", "media"}},
        {"/engagements/stats/duration", {"queue_id", "operator_id", "type", "end_reason"}},
        {"/engagements/stats/post_engagement_duration", {"queue_id", "operator_id"}, "operator"},
        {"/operators/stats/online_duration", {"operator_id", "type"}},
    }};
    return kRequests.at(static_cast<std::size_t>(source));
}

}  // namespace

/// All parameters go into the URL's query. The API refuses a query without the filter "site_id is not empty".
std::string statistics_query(StatisticsSource source, const std::string& site_id,
                             const StatisticsInterval& interval) {
    const StatisticsRequest& request = request_for(source);
    std::string target = request.path;
    target += "?start_date=" + percent_encode(to_iso8601(interval.start)) +
              "&end_date=" + percent_encode(to_iso8601(interval.end())) +
              "&granularity=all&query_type=group_by&dimensions[]=site_id";
    for (const char* dimension : request.dimensions) target += std::string("&dimensions[]=") + dimension;
    target +=
        "&filter[type]=and"
        "&filter[fields][0][type]=not&filter[fields][0][field][type]=selector"
        "&filter[fields][0][field][dimension]=site_id&filter[fields][0][field][value]="
        "&filter[fields][1][type]=in&filter[fields][1][dimension]=site_id&filter[fields][1][values][0]=" +
        percent_encode(site_id);
    if (request.user_type)
        target += std::string(
                      "&filter[fields][2][type]=selector&filter[fields][2][dimension]=user_type"
                      "&filter[fields][2][value]=") +
                  request.user_type;
    return target;
}

}  // namespace glia
