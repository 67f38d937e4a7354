// A simulated service: polls every site, fetches details and what enrichers fetch (daemon/sync/service.cpp,
// work_runner.cpp, enrichment.cpp).
#pragma once

#include "daemon/sync/enricher_schedule.hpp"
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
    struct Enricher;

    void forget() override;
    void begin_work() override;

    void poll(const std::string& site);
    void pump(const std::shared_ptr<Poll>& site_poll);
    void release(const std::shared_ptr<Poll>& site_poll);

    void begin_queues();
    void drain_details();
    void enrich(const std::shared_ptr<Enricher>& enricher);
    void end_round(const std::shared_ptr<Enricher>& enricher, const ExitStatus& outcome);

    void begin_drain(WorkDrain drain, int workers, std::function<void(const DrainResult&)> over);
    void work(const std::shared_ptr<Drain>& drain);
    void claim(const std::shared_ptr<Drain>& drain, const WorkDrain::Claim& wanted, const Failed& failed);
    void fetch(const std::shared_ptr<Drain>& drain, const WorkJob& job);
    void fetch_recording(const std::shared_ptr<Drain>& drain, const WorkJob& job);
    void respond(const std::shared_ptr<Drain>& drain, const WorkJob& job, WorkResponse response);
    void write(const std::shared_ptr<Drain>& drain, const std::shared_ptr<const Batch>& batch,
               const Done& done, const Failed& failed);
    void complete(const std::shared_ptr<Drain>& drain, const WorkOutcome& outcome, const Done& done,
                  const Failed& failed);
    void finish(const std::shared_ptr<Drain>& drain);

    void renew();
    void renew_claims();

    std::map<std::string, std::int64_t> leased_sites_;
    std::map<WorkKind, std::shared_ptr<Drain>> draining_;
};

}  // namespace simulation
