// One simulated instance of the program: what the shell does around the core (daemon/sync/engine.cpp,
// service.cpp, details.cpp, backfill.cpp), with callbacks in virtual time in place of coroutines. Like the
// shell, it holds no policy: what to do comes from the core.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "daemon/api/server_clock.hpp"
#include "daemon/sync/detail_drain.hpp"
#include "daemon/sync/site_visit.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

class Instance {
  public:
    Instance(World& world, int number, SyncSettings sync);

    void start();
    /// kill -9: nothing of it goes on but what it has sent already.
    void crash();
    /// SIGSTOP for a while.
    void pause(Seconds length) { paused_until_ = world_.now() + length; }
    /// SIGTERM; `then` runs when it has ended.
    void stop(std::function<void()> then);

    bool running() const { return running_; }
    bool idle() const { return !running_ || (stopping_ && busy_ == 0); }
    SyncSettings sync;
    /// How far the clock of its machine is ahead of the truth.
    Time clock_ahead() const { return clock_ahead_; }
    const std::string& owner() const { return owner_; }

  private:
    struct Visit;
    struct WindowWork;
    struct Drain;

    using Done = std::function<void()>;
    template <typename T>
    using Answered = std::function<void(T)>;
    using Failed = std::function<void(const SinkError&)>;

    // Time. What is scheduled dies with this life of the instance, and waits while it is paused.
    void later(Time delay, Done what);
    void sleep(Time delay, Done what);  ///< ends at once when the instance is to stop
    void wake();

    template <typename T>
    void call(std::function<T(Sink&)> work, Answered<T> answered, Failed failed, int attempt = 1);
    template <typename T>
    void ask(std::function<Result<T>(Instant asked, Instant now)> request, Answered<Result<T>> answered,
             int attempt = 1, int doubts = 0);

    Instant server_now() const { return clock_->at(SteadyTime{world_.now().time_since_epoch()}); }
    /// Notes when a response was asked for, as the program does by its Date header. False: nobody knows.
    template <typename Response>
    bool stamp(Response& response, Instant asked, Instant answered);

    void begin(int actors) { busy_ += actors; }
    void ended();

    void poll(const std::string& site);
    void pump(const std::shared_ptr<Visit>& visit);
    void release(const std::shared_ptr<Visit>& visit);

    void next_window();
    void pump_window(const std::shared_ptr<WindowWork>& work);

    void drain_details();
    void work(const std::shared_ptr<Drain>& drain);
    void finish(const std::shared_ptr<Drain>& drain);

    void renew();
    /// Performs one pass; `over` is called when it is through.
    struct Performance;
    void perform(const std::shared_ptr<Performance>& pass);

    World& world_;
    int number_;
    Time clock_ahead_{};  // of the machine
    std::optional<ServerClock> clock_;
    long answers_ = 0;
    int life_ = 0;
    std::string owner_;
    bool running_ = false;
    bool stopping_ = false;
    int busy_ = 0;
    Instant paused_until_{};
    Done when_stopped_;
    std::map<long, Done> sleepers_;
    long sleeper_count_ = 0;
    std::map<std::string, std::int64_t> held_sites_;
    std::map<std::pair<std::string, Instant>, WindowTarget> held_windows_;
    std::shared_ptr<Drain> draining_;
};

}  // namespace simulation
