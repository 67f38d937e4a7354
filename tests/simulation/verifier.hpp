// A simulated `glia-sync verify` (daemon/sync/verify.cpp), with checks of its results.
#pragma once

#include "daemon/sync/verification.hpp"
#include "tests/simulation/process.hpp"

namespace simulation {

class Verifier : public Process {
  public:
    using Process::Process;

    /// Verifies at the next start, or at once if it is running and idle. Calls `over` when the verification
    /// has ended without being stopped.
    void verify(VerificationSpec spec, std::function<void(const Verification&)> over = {});

  private:
    struct Listing;

    void forget() override;
    void begin_work() override;
    void on_stop() override { pump(); }

    void begin_verification();
    void pump();
    void wake_at(Milliseconds when);
    /// Passes an event to the machine, and performs the next steps. There must be a machine.
    void notify(const std::function<void(Verification&)>& event);
    void perform_step(const Verification::Step& step);
    template <typename T>
    void on_sink(const Verification::Step& step, std::function<T(Sink&)> work, OnResult<T> on_result);

    void list(const Verification::List& what);
    void list_on(const std::shared_ptr<Listing>& listing);
    void ask_page(const std::shared_ptr<Listing>& listing, const PageRequest& what);
    void compare_page(const std::shared_ptr<Listing>& listing, const std::shared_ptr<const Batch>& batch);
    void scan(const Verification::Scan& what, const std::optional<StoredCursor>& after);
    void get(const EngagementOfSite& what);
    void check_record(const VerifiedDay& day);
    void check_gone(const Verification& done);
    void check_mark(const Verification::Mark& mark);
    void end();

    std::optional<VerificationSpec> wanted_;
    std::function<void(const Verification&)> over_;
    std::optional<Verification> machine_;
    std::optional<Milliseconds> wakes_at_;
    bool is_pumping_ = false;

    // Events of this run, recorded independently of the machine.
    std::set<std::pair<Instant, std::string>> listed_;      // days and sites that were listed completely
    std::set<std::pair<Instant, EngagementOfSite>> shown_;  // by the start of the listed range
    std::map<std::string, Instant> source_denied_;          // by id: when the GET with the 404 was sent
    std::map<Verification::Day, std::size_t> stored_;       // stored engagements of all sites, by day
};

}  // namespace simulation
