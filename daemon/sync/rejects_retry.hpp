// What `rejects retry` tries after failures: decisions only. A record that fails is among the first of every
// run, so it must not keep the others from being tried.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "daemon/api/api_error.hpp"
#include "daemon/sync/exit_status.hpp"
#include "daemon/sync/work_drain.hpp"
#include "sinks/statistics.hpp"

namespace glia {

class RejectsRetry {
  public:
    /// The API has returned an engagement.
    void on_response() { failures_in_a_row_ = 0; }
    /// An engagement could not be fetched.
    void on_error(const ApiError& error);

    /// Why no interval of this source is requested any more; null: the next one is requested.
    const std::string* failure_of(const std::string& site_id, StatisticsSource source) const;
    /// An interval was requested. `rejected`: the API refuses the request. After another failure, the other
    /// intervals of this source and site are left out, because they would probably fail too.
    void on_interval(const std::string& site_id, StatisticsSource source, const ExitStatus& result);

    void on_directory(const ExitStatus& result) { outcome_.merge(result); }

    /// True if the run ends: the program stops, the token is refused, or the API is down.
    bool is_over() const { return over_; }
    /// The most severe failure. An engagement that the API does not have is none.
    const ExitStatus& outcome() const { return outcome_; }

  private:
    ExitStatus outcome_;
    std::map<std::pair<std::string, StatisticsSource>, std::string> failed_sources_;
    std::string last_source_failure_;
    int failures_in_a_row_ = 0;
    int sources_failed_in_a_row_ = 0;
    bool over_ = false;
};

}  // namespace glia
