#include "daemon/sync/engine.hpp"

#include <algorithm>

#include "daemon/ops/log.hpp"
#include "daemon/ops/owner.hpp"
#include "daemon/sync/schedule.hpp"

namespace glia {
namespace {

// Large enough that a transaction's fixed costs do not show, small enough that a batch is about 2 MB.
constexpr std::size_t kBatchEngagements = 500;

/// A batch being committed while the next page is fetched.
class Committing {
  public:
    Committing(Engine& engine, std::shared_ptr<const Batch> batch, PassCheckpoint checkpoint)
        : done_(engine.runtime) {
        engine.runtime.spawn(commit(engine, std::move(batch), std::move(checkpoint)));
    }
    /// Throws SinkError.
    Task<CommitCounts> result() {
        while (!finished_) co_await done_.wait();
        if (failure_) std::rethrow_exception(failure_);
        co_return counts_;
    }

  private:
    Task<> commit(Engine& engine, std::shared_ptr<const Batch> batch, PassCheckpoint checkpoint) {
        try {
            const auto write = [batch, checkpoint](Sink& sink) { return sink.commit(*batch, checkpoint); };
            counts_ = co_await engine.store.run(write);
        } catch (...) {
            failure_ = std::current_exception();
        }
        finished_ = true;
        done_.notify();
    }

    Signal done_;
    bool finished_ = false;
    std::exception_ptr failure_;
    CommitCounts counts_;
};

LinkTrouble trouble_of(const ApiError& error) {
    switch (error.kind) {
        case ApiError::Kind::not_found:
        case ApiError::Kind::refused:
            return LinkTrouble::gone;
        case ApiError::Kind::untrusted_link:
            return LinkTrouble::untrusted;
        default:
            return LinkTrouble::passing;
    }
}

/// One pass on its way.
class Performance {
  public:
    Performance(Engine& engine, Pass pass, std::string site)
        : engine_(engine),
          pass_(std::move(pass)),
          site_(std::move(site)),
          batch_(std::make_shared<Batch>()) {}

    Task<PassResult> run() {
        std::optional<SinkError> sink_error;
        try {
            while (!pass_.complete() && !pass_.failed() && !gave_up_) {
                co_await step();
                const bool last = pass_.complete() || pass_.failed() || gave_up_;
                if (last || batch_->engagements.size() >= kBatchEngagements) co_await flush();
            }
            co_await settle();
            result_.complete = pass_.complete();
        } catch (const SinkError& error) {
            sink_error.emplace(error);
        }
        if (sink_error) co_await fail(*sink_error);
        result_.pages = pass_.position().pages;
        co_return result_;
    }

  private:
    Task<> step() {
        const Ask ask = pass_.next();
        const auto* link = std::get_if<AskLink>(&ask);
        std::optional<Result<FetchedPage>> fetched;
        if (link) {
            fetched.emplace(co_await engine_.api.follow(link->link));
        } else {
            const auto& first = std::get<AskFirst>(ask);
            const ListQuery query{site_, first.start, first.end, 0};
            fetched.emplace(co_await engine_.api.list(query));
        }
        if (!*fetched) {
            on_error(fetched->error(), link != nullptr);
            co_return;
        }
        take(fetched->value());
    }

    void on_error(const ApiError& error, bool following) {
        result_.site_refused = error.kind == ApiError::Kind::credentials ||
                               error.kind == ApiError::Kind::forbidden ||
                               (error.kind == ApiError::Kind::not_found && !following);
        if (following && error.kind != ApiError::Kind::cancelled) {
            if (pass_.on_link_trouble(trouble_of(error), error.message)) {
                log::warn("cursor ended, the window is read again",
                          {{"site", site_}, {"error", error.message}});
                changed_position_ = true;
                return;
            }
            changed_position_ = trouble_of(error) != LinkTrouble::passing;
        }
        gave_up_ = true;
        result_.outcome = {ending_of(error), error.message};
        if (error.kind == ApiError::Kind::forbidden && engine_.settings.api.operator_ids.empty()) {
            result_.outcome.error +=
                "; a token without the manager role must name its own operator in api.operator_ids";
        }
    }

    void take(FetchedPage& fetched) {
        PageFacts facts;
        facts.fetched_at = fetched.fetched_at;
        facts.next_page = fetched.page.next_page;
        facts.engagements = static_cast<std::int64_t>(fetched.page.engagements.size());
        facts.rejected = static_cast<std::int64_t>(fetched.page.rejected.size());
        facts.requests = fetched.attempts;
        pass_.on_page(facts);
        changed_position_ = true;
        for (Engagement& engagement : fetched.page.engagements) {
            add_to_batch(*batch_, std::move(engagement), RecordSource::list, fetched.fetched_at, site_,
                         engine_.settings.sync);
        }
        for (RejectedRecord& rejected : fetched.page.rejected) {
            log::warn("record rejected", {{"site", site_},
                                          {"engagement", rejected.engagement_id.value_or("?")},
                                          {"reason", rejected.reason}});
            batch_->rejected.push_back({std::move(rejected), RecordSource::list, site_});
        }
        if (pass_.failed()) result_.outcome = {Ending::unavailable, pass_.error()};
    }

    /// Hands the batch over; the one before has to be through, so that checkpoints follow each other.
    Task<> flush() {
        co_await settle();
        if (!changed_position_) co_return;
        changed_position_ = false;
        committing_ = std::make_unique<Committing>(engine_, std::exchange(batch_, std::make_shared<Batch>()),
                                                   pass_.checkpoint());
    }

    Task<> settle() {
        if (!committing_) co_return;
        const auto committing = std::move(committing_);
        const CommitCounts counts = co_await committing->result();
        if (counts.queued > 0) engine_.details_wanted.notify();
        result_.counts += counts;
    }

    Task<> fail(SinkError error) {
        if (committing_) {  // it holds the coroutine that would come back to it
            try {
                co_await settle();
            } catch (const SinkError&) {
                // the first error is told
            }
        }
        result_.outcome.merge(
            {engine_.runtime.stopping() ? Ending::stopped : ending_of(error), error.what()});
    }

    Engine& engine_;
    Pass pass_;
    std::string site_;
    std::shared_ptr<Batch> batch_;
    std::unique_ptr<Committing> committing_;
    PassResult result_;
    bool gave_up_ = false;
    bool changed_position_ = false;
};

}  // namespace

Task<PassResult> perform(Engine& engine, Pass pass, std::string site_id) {
    Performance performance(engine, std::move(pass), std::move(site_id));
    co_return co_await performance.run();
}

struct Renewal::State {
    explicit State(Runtime& runtime) : ended(runtime) {}
    Signal ended;
    bool over = false;
};

Renewal::Renewal(Engine& engine, std::function<void(Sink&)> renew)
    : state_(std::make_shared<State>(engine.runtime)) {
    auto loop = [](Engine& parts, std::shared_ptr<State> state, std::function<void(Sink&)> call) -> Task<> {
        for (;;) {
            co_await state->ended.wait_for(std::chrono::duration_cast<Milliseconds>(kLeaseTime) / 3);
            if (state->over || parts.runtime.stopping()) co_return;
            try {
                co_await parts.store.run(call);
            } catch (const SinkError& error) {
                // The next commit finds out whether the lease still holds; nothing is decided here.
                log::debug("lease not renewed", {{"error", error.what()}});
            }
        }
    };
    engine.runtime.spawn(loop(engine, state_, std::move(renew)));
}

Renewal::~Renewal() {
    state_->over = true;
    state_->ended.notify();
}

Task<> take_over_dead(Engine& engine) {
    const auto list = [](Sink& sink) { return sink.owners(); };
    const auto owners = co_await engine.store.run(list);
    for (const std::string& owner : owners) {
        if (owner == engine.owner || !is_dead(owner)) continue;
        log::info("taking over from an instance that is gone", {{"owner", owner}});
        const auto free = [owner](Sink& sink) { sink.take_over(owner); };
        co_await engine.store.run(free);
    }
}

Task<> load_server_clock(Engine& engine) {
    const auto read = [](Sink& sink) { return sink.server_clock(this_machine()); };
    const auto ahead = co_await engine.store.run(read);
    if (ahead) engine.api.guess_clock(*ahead);
}

Task<> save_server_clock(Engine& engine) {
    const auto ahead = engine.api.clock_ahead_of_system();
    if (!ahead) co_return;
    const std::int64_t found = ahead->count();
    const auto save = [found](Sink& sink) {
        sink.save_server_clock(this_machine(), std::chrono::microseconds{found});
    };
    co_await engine.store.run(save);
}

void add_to_batch(Batch& batch, Engagement engagement, RecordSource source, Instant fetched_at,
                  const std::string& site_id, const SyncSettings& sync) {
    FetchedEngagement fetched;
    if (is_ongoing(engagement, fetched_at))
        fetched.refetch_in = refetch_wait(sync, engagement.created_at, fetched_at);
    fetched.engagement = std::move(engagement);
    fetched.source = source;
    fetched.fetched_at = fetched_at;
    fetched.site_id = site_id;
    batch.engagements.push_back(std::move(fetched));
}

}  // namespace glia
