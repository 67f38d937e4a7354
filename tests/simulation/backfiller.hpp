// A simulated `glia-sync backfill` that is called again until the backfill is complete
// (daemon/sync/backfill.cpp). Checks what BackfillPlan promises.
#pragma once

#include "daemon/sync/backfill_plan.hpp"
#include "tests/simulation/process.hpp"

namespace simulation {

class Backfiller : public Process {
  public:
    Backfiller(World& world, int number, SyncSettings settings, BackfillSpec spec)
        : Process(world, number, std::move(settings)), spec_(std::move(spec)) {}

    /// True if a call of the command has found every window done and has ended.
    bool complete() const { return complete_; }

  private:
    using Plan = BackfillPlan;

    void forget() override;
    void begin_work() override;
    void on_stop() override;

    void open();
    void pump();
    void notify(const std::function<void(Plan&)>& event);
    void wake_at(Milliseconds when);
    void run_step(const Plan::Step& step);
    void claim(const Plan::Claim& what, const Failed& failed);
    void read(const Plan::Read& what);
    void on_over(const Plan::Read& what, const PassResult& pass);
    void renew(const Plan::Renew& what);
    void end();
    void check_end(const ExitStatus& outcome);
    void call_again();

    BackfillSpec spec_;
    std::int64_t id_ = 0;
    std::optional<Plan> plan_;
    std::optional<Milliseconds> wakes_at_;
    bool complete_ = false;

    // Events of this call, recorded independently of the plan.
    std::set<std::tuple<std::string, Instant, std::int64_t>> reads_;
    std::set<std::string> refused_sites_;
    int failures_in_a_row_ = 0;
    bool api_was_down_ = false;
    bool sink_failed_ = false;
    std::vector<ModelDatabase::Window> inspected_;  // the windows at the last inspection
    std::vector<ModelDatabase::Window> at_claim_;   // the windows at the last claim
};

}  // namespace simulation
