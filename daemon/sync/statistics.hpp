// Requests and stores interval statistics as StatisticsSchedule decides (DESIGN.md §2 statistics).
#pragma once

#include <set>
#include <utility>

#include "daemon/sync/instance.hpp"
#include "daemon/sync/pass_pipeline.hpp"

namespace glia {

/// Reads the due intervals of every site, including sources that were refused lately. For `run --once`. Adds
/// the number of unreadable elements to `rejected`.
Task<ExitStatus> read_statistics_once(Instance& instance, std::int64_t& rejected);

/// Requests an interval again that was read before, for `rejects retry`. Returns `rejected` if the API
/// refuses the request, and `stopped` if another instance is reading statistics of the site.
Task<ExitStatus> read_statistics_again(Instance& instance, std::string site_id, RejectedStatistics rejected);

/// Reads what is due, until the instance ends; a coroutine for each site. Instances share the sites by
/// leases. Failures are logged and retried.
void serve_statistics(Instance& instance, WaitGroup& tasks);

/// The sources of sites that the API refused, so that a backfill asks and warns once.
using StatisticsRefusals = std::set<std::pair<std::string, StatisticsSource>>;

/// Reads the intervals of one window of a backfill, under the window's lease, which the caller renews. A
/// source that the API refuses is left out; if it refuses all, the site counts as refused. Does not
/// throw SinkError: a failure of the sink is in the result.
Task<PassResult> read_statistics_window(Instance& instance, WindowLease window, StatisticsRefusals& refusals);

}  // namespace glia
