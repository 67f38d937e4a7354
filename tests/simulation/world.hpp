// The world of a history: virtual time, the source, the database, and their faults.
#pragma once

#include <cstdio>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "tests/simulation/model_database.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/source.hpp"

namespace simulation {

/// When every history starts.
inline const Instant kStart = Instant{std::chrono::sys_days{std::chrono::year{2024} / 5 / 1}};

class World {
  public:
    World(const Scenario& given, bool trace)
        : scenario(given), source(given.source), random(given.seed ^ 0x5bd1e995), trace_(trace) {}

    Instant now() const { return now_; }
    void at(Instant when, std::function<void()> what) {
        queue_.push({std::max(when, now_), ++count_, std::move(what)});
    }
    /// Runs until `end` or until a check fails.
    void run(Instant end) {
        while (!queue_.empty() && queue_.top().when <= end && database.violation.empty()) {
            now_ = queue_.top().when;
            auto what = std::move(const_cast<Scheduled&>(queue_.top()).what);
            queue_.pop();
            if (++steps_ > kMostSteps) database.violation = "it never comes to rest";
            what();
        }
        now_ = std::max(now_, end);
    }
    /// A random latency: mostly short, sometimes long, rarely longer than a lease.
    Time latency() {
        if (is_reliable) return Time{random.between(2'000, 120'000)};
        if (scenario.responses_are_slow && random.one_in(3)) return Time{random.between(2'000, 20'000'000)};
        const std::int64_t longest = random.one_in(60) ? 40'000'000 : random.one_in(10) ? 4'000'000 : 120'000;
        return Time{random.between(2'000, longest)};
    }
    bool database_is_away() const { return now_ < database_back_at; }

    template <typename... Parts>
    void log(const Parts&... parts) const {
        if (!trace_) return;
        std::string line = to_iso8601(now_);
        ((line.append(" ").append(parts)), ...);
        std::fprintf(stderr, "%s\n", line.c_str());
    }

    const Scenario& scenario;
    Source source;
    ModelDatabase database;
    Random random;
    Instant database_back_at{};
    std::set<std::string> had_bad_record;  ///< engagements whose list item was bad for a while
    /// The recordings on disk of all instances.
    std::set<ModelDatabase::JobKey> files;
    bool files_may_be_left = false;  ///< deleting a file may have failed
    bool is_reliable = false;        ///< no response is slow or lost any more

  private:
    struct Scheduled {
        Instant when;
        long number;
        std::function<void()> what;
        bool operator<(const Scheduled& other) const {
            return std::pair(when, number) > std::pair(other.when, other.number);
        }
    };
    static constexpr long kMostSteps = 300'000;

    std::priority_queue<Scheduled> queue_;
    Instant now_{};
    long count_ = 0;
    long steps_ = 0;
    bool trace_;
};

}  // namespace simulation
