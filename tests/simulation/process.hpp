// One simulated process of the program: what the coroutines do around the machines (daemon/sync: committer,
// pass_driver, engine), with callbacks in virtual time in their place. Like them it holds no policy: what to
// do comes from the machines. Service and Backfiller say what it works at.
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
#include "tests/simulation/world.hpp"

namespace simulation {

inline constexpr Seconds kLease{30};

class Process {
  public:
    Process(World& world, int number, SyncSettings by);
    virtual ~Process() = default;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

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

  protected:
    using Done = std::function<void()>;
    template <typename T>
    using Answered = std::function<void(T)>;
    using Failed = std::function<void(const SinkError&)>;

    /// Clears what the previous life left.
    virtual void forget() = 0;
    virtual void begin_work() = 0;
    virtual void on_stop() {}

    // Time. What is scheduled dies with this life of the process, and waits while it is paused.
    void later(Time delay, Done what);
    void sleep(Time delay, Done what);  ///< ends at once when the process is to stop
    Milliseconds steady_now() const;
    Instant machine_now() const { return world_.now() + clock_ahead_; }
    Instant server_now() const { return clock_->at(SteadyTime{world_.now().time_since_epoch()}); }

    /// One call of the sink, tried again while it is away.
    template <typename T>
    void call(std::function<T(Sink&)> work, Answered<T> answered, Failed failed, int attempt = 1);
    /// The same of a call that returns nothing.
    void call_void(std::function<void(Sink&)> work, Done answered, Failed failed);
    template <typename T>
    void ask(std::function<Result<T>(Instant asked, Instant now)> request, Answered<Result<T>> answered,
             int attempt = 1, int doubts = 0);

    /// Gives a commit to the CommitQueue, and performs what that decides.
    void submit(std::shared_ptr<const Batch> batch, std::optional<PassCheckpoint> checkpoint,
                Answered<CommitCounts> answered, Failed failed);

    /// A pass on its way.
    struct PassInProgress {
        PassPipeline run;
        Done fetched;  ///< called once nothing more is asked of the API
        Done over;
        bool awaiting = false;
        Instant began{};
    };
    std::shared_ptr<PassInProgress> make_pass(Pass pass, const std::string& site);
    void perform(const std::shared_ptr<PassInProgress>& pass);
    Outcome outcome_of(const SinkError& error) const {
        return {stopping_ ? Ending::stopped : ending_of(error), error.what()};
    }

    void begin(int actors) { busy_ += actors; }
    void ended();
    bool stopping() const { return stopping_; }
    /// The sink failed, or may have done what it was not heard of, at some time of this life.
    bool sink_was_away() const { return sink_was_away_; }
    void broken(const std::string& what) {
        if (world_.database.violation.empty()) world_.database.violation = owner_ + ": " + what;
    }

    World& world_;
    const int number_;

  private:
    struct PendingCommit {
        std::shared_ptr<const Batch> batch;
        std::optional<PassCheckpoint> checkpoint;
        Answered<CommitCounts> answered;
        Failed failed;
    };
    using Group = std::vector<std::shared_ptr<PendingCommit>>;

    void wake();
    void fetch(const std::shared_ptr<PassInProgress>& pass, const Ask& what);
    void commit(const std::shared_ptr<PassInProgress>& pass, PassPipeline::Commit what);
    void write_commits();
    void write(const CommitQueue::Write& what);
    void settle(const CommitQueue::Write& what, const Group& group, const std::vector<CommitCounts>& counts,
                const std::optional<SinkError>& failure);
    void check_group(const CommitQueue::Write& what, const Group& group);
    /// Notes when a response was asked for, as the program does by its Date header. False: nobody knows.
    template <typename Response>
    bool stamp(Response& response, Instant asked, Instant answered);

    Time clock_ahead_{};  // of the machine
    std::optional<ServerClock> clock_;
    long answers_ = 0;
    int life_ = 0;
    std::string owner_;
    bool running_ = false;
    bool stopping_ = false;
    bool sink_was_away_ = false;
    int busy_ = 0;
    Instant paused_until_{};
    Done when_stopped_;
    std::map<long, Done> sleepers_;
    long sleeper_count_ = 0;

    std::optional<CommitQueue> commits_;
    std::map<CommitQueue::Ticket, std::shared_ptr<PendingCommit>> pending_;
    std::map<CommitQueue::Group, std::set<std::string>> being_written_;  // by groups of windows
    bool gathering_ = false;
    std::vector<Done> wait_for_room_;
};

constexpr int kSinkAttempts = 3;
constexpr int kRequestAttempts = 3;

template <typename T>
void Process::call(std::function<T(Sink&)> work, Answered<T> answered, Failed failed, int attempt) {
    // Once sent, a transaction ends as it likes, whatever becomes of the process.
    world_.at(world_.now() + world_.latency(), [=, this, life = life_] {
        std::optional<SinkError> error;
        std::optional<T> value;
        const bool gone = life != life_ && world_.random.one_in(2);
        const int luck = static_cast<int>(world_.random.between(0, 999));
        const int unlucky = world_.scenario.lost_answers_per_mille;
        if (gone || world_.database_is_away() || luck < unlucky / 2) {
            error.emplace(SinkError::Kind::unavailable, "the database is away");
        } else {
            world_.database.now = world_.now();
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
                answered(*value);
            } else if (error->kind() == SinkError::Kind::unavailable && attempt < kSinkAttempts &&
                       !stopping_) {
                sleep(Seconds{1} * attempt, [=, this] { call(work, answered, failed, attempt + 1); });
            } else {
                failed(*error);
            }
        });
    });
}

template <typename Response>
bool Process::stamp(Response& response, Instant asked, Instant answered) {
    const SteadyTime sent{asked.time_since_epoch()};
    const Instant date = world_.source.date(answered, ++answers_ % 2 != 0);
    const auto verdict = clock_->observe(sent, SteadyTime{world_.now().time_since_epoch()}, date);
    response.fetched_at = clock_->at(sent);
    response.machine_time = asked + clock_ahead_;
    response.sent_at = sent;
    if constexpr (std::is_same_v<Response, FetchedPage>) response.not_before = clock_->not_after(sent);
    return verdict != ServerClock::Verdict::doubtful;
}

template <typename T>
void Process::ask(std::function<Result<T>(Instant, Instant)> request, Answered<Result<T>> answered,
                  int attempt, int doubts) {
    if (stopping_) {
        answered(ApiError{ApiError::Kind::cancelled, 0, "stopped"});
        return;
    }
    const Instant asked = world_.now();
    later(world_.latency(), [=, this] {
        const Instant made = world_.now();
        const Result<T> result = request(asked, made);
        later(world_.latency(), [=, this] {
            Result<T> stamped = result;
            if (stamped && !stamp(stamped.value(), asked, made)) {
                if (doubts < kMostDoubts) return ask(request, answered, attempt, doubts + 1);
                stamped = ApiError{ApiError::Kind::unavailable, 0, "the Date headers contradict each other"};
            }
            const bool again = !stamped && stamped.error().kind == ApiError::Kind::unavailable &&
                               !stopping_ && attempt < kRequestAttempts;
            if (again) {
                sleep(Seconds{2} * attempt, [=, this] { ask(request, answered, attempt + 1, doubts); });
            } else {
                answered(stamped);
            }
        });
    });
}

}  // namespace simulation
