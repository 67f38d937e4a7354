// One simulated process of the program. It replaces the coroutines around the state machines (daemon/sync:
// committer, pass_driver, instance) by callbacks in virtual time. Like them it has no policy: the machines
// decide. Its subclasses (Service, Backfiller and others) define the work.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "daemon/api/server_clock.hpp"
#include "daemon/sync/commit_queue.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "daemon/sync/unlisted.hpp"
#include "tests/simulation/world.hpp"

namespace simulation {

inline constexpr Seconds kLease{30};
inline constexpr Time kRenewEvery = Seconds{10};

class Process {
  public:
    Process(World& world, int number, SyncSettings settings);
    virtual ~Process() = default;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void start();
    /// kill -9: everything ends, except transactions that were already sent.
    void crash();
    /// SIGSTOP for a while.
    void pause(Seconds length) { paused_until_ = world_.now() + length; }
    /// SIGTERM; `then` runs when it has ended.
    void stop(std::function<void()> then);

    bool running() const { return running_; }
    bool idle() const { return !running_ || (stopping_ && running_tasks_ == 0); }
    SyncSettings sync;
    EnabledEnrichers enrichers;  ///< the configuration; takes effect at the next start
    /// How far the clock of its machine is ahead of the truth.
    Time clock_ahead() const { return clock_ahead_; }
    const std::string& instance_id() const { return instance_id_; }

  protected:
    using Done = std::function<void()>;
    template <typename T>
    using OnResult = std::function<void(T)>;
    using Failed = std::function<void(const SinkError&)>;

    /// Clears the state of the previous life.
    virtual void forget() = 0;
    virtual void begin_work() = 0;
    virtual void on_stop() {}

    // Time. Scheduled callbacks are dropped when this life of the process ends, and wait while it is paused.
    void later(Time delay, Done what);
    void sleep(Time delay, Done what);  ///< ends at once when the process is stopped
    Milliseconds steady_now() const;
    Instant machine_now() const { return world_.now() + clock_ahead_; }
    Instant server_now() const { return clock_->at(SteadyTime{world_.now().time_since_epoch()}); }

    /// Calls the sink, with retries while it is unavailable.
    template <typename T>
    void call(std::function<T(Sink&)> work, OnResult<T> on_result, Failed failed, int attempt = 1);
    /// The same for a call that returns nothing.
    void call_void(std::function<void(Sink&)> work, Done on_result, Failed failed);
    template <typename T>
    void ask(std::function<Result<T>(Instant asked, Instant now)> request, OnResult<Result<T>> on_result,
             int attempt = 1, int doubts = 0);

    /// Adds a commit to the CommitQueue and performs the queue's steps.
    void submit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint,
                OnResult<CommitCounts> on_result, Failed failed);

    /// A pass in progress.
    struct PassInProgress {
        PassPipeline run;
        Done fetched;  ///< called after the last request to the API
        Done over;
        bool awaiting = false;
        Instant began{};
        std::set<std::string> shown{};  ///< ids on its pages, recorded independently of the machines
    };
    std::shared_ptr<PassInProgress> make_pass(Pass pass, const std::string& site);
    void run_pass(const std::shared_ptr<PassInProgress>& pass);
    /// Simulates daemon/sync/presence.cpp after a pass over all of [from, to].
    void mark_unlisted(const std::shared_ptr<PassInProgress>& pass, Instant from, OptionalInstant to,
                       Done then);
    ExitStatus exit_status_of(const SinkError& error) const {
        return {stopping_ ? ExitReason::stopped : exit_reason_of(error), error.what()};
    }

    void begin_task() { ++running_tasks_; }
    void end_task();
    bool stopping() const { return stopping_; }
    /// True if in this life a call of the sink has failed or its result was lost.
    bool sink_was_away() const { return sink_was_away_; }
    void broken(const std::string& what) {
        if (world_.database.violation.empty()) world_.database.violation = instance_id_ + ": " + what;
    }

    World& world_;
    const int number_;
    EnabledEnrichers enrichers_;  ///< the running ones

  private:
    struct PendingCommit {
        std::shared_ptr<const Batch> batch;
        std::optional<PassCheckpoint> checkpoint;
        OnResult<CommitCounts> on_result;
        Failed failed;
    };
    using Group = std::vector<std::shared_ptr<PendingCommit>>;

    struct Marking;
    void read_stored(const std::shared_ptr<Marking>& marking);
    void ask_whether_gone(const std::shared_ptr<Marking>& marking);
    void mark(const std::shared_ptr<Marking>& marking);

    void wake();
    void fetch(const std::shared_ptr<PassInProgress>& pass, const PageRequest& what);
    void commit(const std::shared_ptr<PassInProgress>& pass, PassPipeline::Commit what);
    void write_commits();
    void write(const CommitQueue::Write& what);
    void complete(const CommitQueue::Write& what, const Group& group, const std::vector<CommitCounts>& counts,
                  const std::optional<SinkError>& failure);
    void check_group(const CommitQueue::Write& what, const Group& group);
    /// Sets the time of a response's request from its Date header, as the program does. Returns false if the
    /// time is unknown.
    template <typename Response>
    bool stamp(Response& response, Instant asked, Instant responded);

    Time clock_ahead_{};  // the machine's clock minus the true time
    std::optional<ServerClock> clock_;
    long responses_ = 0;
    int life_ = 0;
    std::string instance_id_;
    bool running_ = false;
    bool stopping_ = false;
    bool sink_was_away_ = false;
    int running_tasks_ = 0;
    Instant paused_until_{};
    Done when_stopped_;
    std::map<long, Done> sleepers_;
    long sleeper_count_ = 0;

    std::optional<CommitQueue> commits_;
    std::map<CommitQueue::Ticket, std::shared_ptr<PendingCommit>> pending_;
    std::map<CommitQueue::Group, std::set<std::string>> being_written_;  // ids of running groups
    bool write_is_scheduled_ = false;
    std::vector<Done> wait_for_room_;
    PresenceMemory presence_;
};

constexpr int kSinkAttempts = 3;
constexpr int kRequestAttempts = 3;

template <typename T>
void Process::call(std::function<T(Sink&)> work, OnResult<T> on_result, Failed failed, int attempt) {
    // A transaction that was sent completes independently of the process.
    world_.at(world_.now() + world_.latency(), [=, this, life = life_] {
        std::optional<SinkError> error;
        std::optional<T> value;
        const bool gone = life != life_ && world_.random.one_in(2);
        const int luck = static_cast<int>(world_.random.between(0, 999));
        const int unlucky = world_.is_reliable ? 0 : world_.scenario.lost_responses_per_mille;
        if (gone || world_.database_is_away() || luck < unlucky / 2) {
            error.emplace(SinkError::Kind::unavailable, "the database is away");
        } else {
            world_.database.now = world_.now();
            world_.database.enrichers = enrichers_;
            try {
                value = work(world_.database);
            } catch (const SinkError& refused) {
                error.emplace(refused);
            }
            if (luck < unlucky) error.emplace(SinkError::Kind::unavailable, "the answer was lost");
        }
        if (life != life_) return;
        if (error && error->kind() == SinkError::Kind::unavailable) sink_was_away_ = true;
        later(world_.latency(), [=, this] {
            if (!error) {
                on_result(*value);
            } else if (error->kind() == SinkError::Kind::unavailable && attempt < kSinkAttempts &&
                       !stopping_) {
                sleep(Seconds{1} * attempt, [=, this] { call(work, on_result, failed, attempt + 1); });
            } else {
                failed(*error);
            }
        });
    });
}

template <typename Response>
bool Process::stamp(Response& response, Instant asked, Instant responded) {
    const SteadyTime sent{asked.time_since_epoch()};
    const Instant date = world_.source.date(responded, ++responses_ % 2 != 0);
    const auto verdict = clock_->observe(sent, SteadyTime{world_.now().time_since_epoch()}, date);
    response.fetched_at = clock_->at(sent);
    if constexpr (requires { response.machine_time; }) {
        response.machine_time = asked + clock_ahead_;
        response.sent_at = sent;
    }
    if constexpr (std::is_same_v<Response, FetchedPage>) response.not_before = clock_->lower_bound_at(sent);
    return verdict != ServerClock::Verdict::doubtful;
}

template <typename T>
void Process::ask(std::function<Result<T>(Instant, Instant)> request, OnResult<Result<T>> on_result,
                  int attempt, int doubts) {
    if (stopping_) {
        on_result(ApiError{ApiError::Kind::cancelled, 0, "stopped"});
        return;
    }
    const Instant asked = world_.now();
    later(world_.latency(), [=, this] {
        const Instant made = world_.now();
        const Result<T> result = request(asked, made);
        later(world_.latency(), [=, this] {
            Result<T> stamped = result;
            if (stamped && !stamp(stamped.value(), asked, made)) {
                if (doubts < kMaxDoubtfulRepeats) return ask(request, on_result, attempt, doubts + 1);
                stamped = ApiError{ApiError::Kind::unavailable, 0, "the Date headers contradict each other"};
            }
            const bool again = !stamped && stamped.error().kind == ApiError::Kind::unavailable &&
                               !stopping_ && attempt < kRequestAttempts;
            if (again) {
                sleep(Seconds{2} * attempt, [=, this] { ask(request, on_result, attempt + 1, doubts); });
            } else {
                on_result(stamped);
            }
        });
    });
}

}  // namespace simulation
