#include "daemon/sync/verify.hpp"

#include <memory>
#include <utility>

#include "daemon/base/log.hpp"
#include "daemon/sync/pass_pipeline.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

constexpr Milliseconds kProgressEvery{1'000};
// Maximum interval at which a paused listing checks Verification::has_room().
constexpr Milliseconds kUntilRoom{200};

VerificationStore& store_of(Sink& sink) {
    VerificationStore* store = sink.verifications();
    if (!store) throw SinkError(SinkError::Kind::misconfigured, "verify needs the sink postgres");
    return *store;
}

class Verify {
  public:
    Verify(Instance& instance, VerificationSpec spec, VerificationObserver observer)
        : instance_(instance),
          machine_(std::move(spec)),
          observer_(std::move(observer)),
          changed_(std::make_shared<AsyncCondition>(instance.runtime)),
          tasks_(instance.runtime) {}

    Task<Verification> run() {
        instance_.scope.on_cancel([changed = changed_] { changed->notify(); });
        const auto read_names = [from = machine_.spec().from, to = machine_.spec().to](Sink& sink) {
            return store_of(sink).queue_name_sources(from, to);
        };
        machine_.on_name_sources(co_await instance_.sink_pool.run(read_names));
        for (;;) {
            if (instance_.scope.cancelled()) machine_.stop();
            Verification::Step step = machine_.next(steady_now());
            if (std::holds_alternative<Verification::End>(step)) break;
            if (const auto* wait = std::get_if<Verification::Wait>(&step)) {
                Milliseconds pause = kProgressEvery;
                if (wait->until) pause = std::min(pause, *wait->until - steady_now());
                co_await changed_->wait_for(std::max(pause, Milliseconds{1}));
                show_progress();
            } else {
                tasks_.add();
                instance_.runtime.spawn(run_step(std::move(step)));
            }
        }
        co_await tasks_.wait();
        co_return std::move(machine_);
    }

  private:
    void show_progress() {
        const Milliseconds now = steady_now();
        if (!observer_ || now < show_at_) return;
        show_at_ = now + kProgressEvery;
        observer_(machine_);
    }

    Task<> run_step(Verification::Step step) {
        std::optional<SinkError> failure;
        try {
            if (const auto* what = std::get_if<Verification::List>(&step)) {
                co_await list(*what);
            } else if (const auto* one = std::get_if<Verification::Get>(&step)) {
                co_await get(one->what);
            } else if (const auto* day = std::get_if<Verification::Scan>(&step)) {
                co_await scan(*day);
            } else {
                co_await write(step);
            }
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) machine_.on_failed(step, instance_.exit_status_of(*failure));
        changed_->notify();
        tasks_.remove();
    }

    /// Performs a step that is a single call of the sink.
    Task<> write(const Verification::Step& step) {
        if (const auto* compared = std::get_if<Verification::Compare>(&step)) {
            const auto found = co_await compare(compared->batch);
            machine_.on_compared(*compared->batch, found, steady_now());
        } else if (const auto* load = std::get_if<Verification::Load>(&step)) {
            const auto found = co_await load_again(load->batch);
            machine_.on_loaded(*load->batch, found);
        } else if (const auto* mark = std::get_if<Verification::Mark>(&step)) {
            const auto mark_all = [gone = mark->engagements](Sink& sink) {
                return store_of(sink).mark_missing(gone);
            };
            const auto marked = co_await instance_.sink_pool.run(mark_all);
            machine_.on_marked(mark->day, marked);
        } else {
            const auto record = [day = std::get<Verification::Record>(step).day](Sink& sink) {
                store_of(sink).record(day);
            };
            co_await instance_.sink_pool.run(record);
            machine_.on_recorded();
        }
    }

    Task<std::vector<RecordComparison>> compare(std::shared_ptr<const Batch> batch) {
        const auto call = [batch](Sink& sink) { return store_of(sink).compare(batch->engagements); };
        co_return co_await instance_.sink_pool.run(call);
    }

    /// Invalidates the stored hashes, so that an ordinary commit does not take the records for unchanged.
    /// Returns the differences that remain.
    Task<std::vector<RecordComparison>> load_again(std::shared_ptr<const Batch> batch) {
        const auto call = [batch](Sink& sink) {
            store_of(sink).distrust(batch->engagements);
            sink.commit(*batch, std::nullopt);
            return store_of(sink).compare(batch->engagements);
        };
        co_return co_await instance_.sink_pool.run(call);
    }

    // ------------------------------------------------------------------------------------- listings

    /// A listing in progress: fetches the next page while the previous batch is compared.
    struct Listing {
        Listing(Runtime& runtime, Verification::List listed, PassPipeline pipeline)
            : what(std::move(listed)), pass(std::move(pipeline)), compared(runtime) {}
        Verification::List what;
        PassPipeline pass;
        AsyncCondition compared;
    };

    Task<> list(Verification::List what) {
        OpenPass window;
        window.from = what.from;
        window.to = what.to;
        const WindowTarget target{0, what.site, what.from, 1};
        const auto listing = std::make_shared<Listing>(
            instance_.runtime, what, PassPipeline(Pass(target, window), what.site, instance_.settings.sync));
        for (;;) {
            if (instance_.scope.cancelled()) listing->pass.stop();
            PassPipeline::Step step = listing->pass.next();
            if (std::holds_alternative<PassPipeline::End>(step)) break;
            if (auto* fetch = std::get_if<PassPipeline::Fetch>(&step)) {
                while (!machine_.has_room() && !instance_.scope.cancelled())
                    co_await changed_->wait_for(kUntilRoom);
                co_await ask(*listing, std::move(fetch->ask));
            } else if (auto* read = std::get_if<PassPipeline::Commit>(&step)) {
                tasks_.add();
                instance_.runtime.spawn(compare_page(listing, std::move(read->batch)));
            } else {
                co_await listing->compared.wait();
            }
        }
        const PassResult& result = listing->pass.result();
        if (result.complete) {
            machine_.on_listed(what.day, what.site);
            co_return;
        }
        if (result.outcome.reason != ExitReason::stopped) {
            log::error(
                LogTopic::sync, "site cannot be listed",
                {{"site", what.site}, {"window", to_iso8601(what.from)}, {"error", result.outcome.error}});
        }
        machine_.on_list_failed(what.day, what.site, result.outcome);
    }

    Task<> ask(Listing& listing, PageRequest what) {
        std::optional<Result<FetchedPage>> fetched;
        if (const auto* link = std::get_if<LinkedPageRequest>(&what)) {
            fetched.emplace(co_await instance_.api.follow(link->link));
        } else {
            const auto& first = std::get<FirstPageRequest>(what);
            const ListQuery query{listing.what.site, first.start, first.end, 0};
            fetched.emplace(co_await instance_.api.list(query));
        }
        if (*fetched) {
            instance_.metrics.page_read();
            listing.pass.on_page(std::move(fetched->value()));
        } else {
            listing.pass.on_error(fetched->error());
        }
    }

    Task<> compare_page(std::shared_ptr<Listing> listing, std::shared_ptr<const Batch> batch) {
        std::optional<SinkError> failure;
        try {
            const auto found = co_await compare(batch);
            machine_.on_page(listing->what.day, listing->what.site, *batch, found);
            listing->pass.on_committed({});
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (failure) listing->pass.on_commit_failed(instance_.exit_status_of(*failure));
        listing->compared.notify();
        changed_->notify();
        tasks_.remove();
    }

    Task<> scan(Verification::Scan what) {
        std::optional<StoredCursor> cursor;
        do {
            const auto read = [what, cursor](Sink& sink) {
                return store_of(sink).stored(what.from, what.to, what.sites, cursor);
            };
            StoredPage page = co_await instance_.sink_pool.run(read);
            machine_.on_stored(what.day, page.listings);
            cursor = std::move(page.next);
        } while (cursor);
        machine_.on_scanned(what.day);
    }

    Task<> get(EngagementOfSite what) {
        const Instant asked_at = instance_.api.server_now();
        auto fetched = co_await instance_.api.get(what.first);
        if (!fetched) {
            const ApiError& error = fetched.error();
            if (error.kind == ApiError::Kind::not_found) {
                machine_.on_gone(what, asked_at);
            } else if (error.kind == ApiError::Kind::refused) {
                machine_.on_no_record(what);  // the API does not accept the id
            } else {
                machine_.on_get_failed(what, {exit_reason_of(error), error.message});
            }
            co_return;
        }
        Batch one;
        ParsedDetail& detail = fetched.value().detail;
        if (detail.engagement) {
            add_to_batch(one, std::move(*detail.engagement), RecordSource::detail, fetched.value().asked(),
                         what.second, instance_.settings.sync);
        }
        if (one.engagements.empty()) {
            machine_.on_no_record(what);
        } else {
            machine_.on_record(what, std::move(one.engagements.front()));
        }
    }

    Instance& instance_;
    Verification machine_;
    VerificationObserver observer_;
    const std::shared_ptr<AsyncCondition> changed_;  // notified after each event of machine_
    WaitGroup tasks_;
    Milliseconds show_at_{};
};

}  // namespace

Task<Verification> run_verification(Instance& instance, VerificationSpec spec,
                                    VerificationObserver observer) {
    Verify verify(instance, std::move(spec), std::move(observer));
    co_return co_await verify.run();
}

}  // namespace glia
