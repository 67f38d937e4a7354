// The part of a simulated service that reads listings of operators (daemon/sync/directory.cpp).
#pragma once

#include "daemon/sync/listing_schedule.hpp"
#include "tests/simulation/operators.hpp"
#include "tests/simulation/process.hpp"

namespace simulation {

/// Data that the readers of a history share, other than the database.
struct Directory {
    Operators operators;
    DirectorySettings settings;
    /// When the read of a listing began, by the site and the epoch of its lease.
    std::map<std::pair<std::string, std::int64_t>, Instant> began{};
    /// The names that committed listings showed, by operator.
    std::map<std::string, std::set<std::string>> shown{};
};

class DirectoryReader : public Process {
  public:
    DirectoryReader(World& world, int number, Directory& directory)
        : Process(world, number, {}), directory_(directory) {}

  private:
    struct ReadInProgress;
    using ReadPtr = std::shared_ptr<ReadInProgress>;

    void forget() override;
    void begin_work() override;

    void pump();
    void acquire(const ListingSchedule::Read& what);
    void step(const ReadPtr& reading);
    void fetch(const ReadPtr& reading, const std::string& link);
    void commit(const ReadPtr& reading, const ListingRead::Commit& what);
    void give_back(const ReadPtr& reading, std::function<void(Sink&)> call);
    void over(const ListingSchedule::Read& what, const ListingResult& result);
    void failed(const ListingSchedule::Read& what, const SinkError& error);
    void renew(const ReadPtr& reading);

    Directory& directory_;
    std::optional<ListingSchedule> schedule_;
    ReadPtr reading_;
};

}  // namespace simulation
