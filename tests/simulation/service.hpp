// A simulated service: polls every site, and fetches details (daemon/sync/service.cpp, details.cpp).
#pragma once

#include "daemon/sync/site_poll.hpp"
#include "daemon/sync/work_drain.hpp"
#include "tests/simulation/process.hpp"

namespace simulation {

class Service : public Process {
  public:
    using Process::Process;

  private:
    struct Poll;
    struct Drain;

    void forget() override;
    void begin_work() override;

    void poll(const std::string& site);
    void pump(const std::shared_ptr<Poll>& site_poll);
    void release(const std::shared_ptr<Poll>& site_poll);

    void drain_details();
    void work(const std::shared_ptr<Drain>& drain);
    void finish(const std::shared_ptr<Drain>& drain);

    void renew();

    std::map<std::string, std::int64_t> held_sites_;
    std::shared_ptr<Drain> draining_;
};

}  // namespace simulation
