#include "daemon/sync/details.hpp"

#include <algorithm>
#include <exception>

namespace glia {

Task<DrainResult> Details::drain(bool with_ongoing) {
    DrainResult all;
    bool again = true;
    while (again) {
        WorkDrain drain(WorkKind::detail, instance_.instance_id, instance_.settings.sync,
                        instance_.settings.api.max_in_flight, with_ongoing);
        const WorkRunner::Fetch fetch_one = [this](WorkJob job) { return fetch(std::move(job)); };
        const WorkRunner::Write write = [this, &drain](std::shared_ptr<const Batch> batch) {
            return commit(drain, std::move(batch));
        };
        WorkRunner runner(instance_, drain, fetch_one, write);
        co_await runner.run();
        all += drain.result();
        again = drain.more_was_queued();
    }
    co_return all;
}

Task<WorkResponse> Details::fetch(WorkJob job) {
    auto fetched = co_await instance_.api.get(job.engagement_id);
    if (!fetched) co_return fetched.error();
    if (fetched.value().detail.engagement) {
        ++fetched_in_all_;
        ++unwritten_;
    }
    co_return std::move(fetched.value());
}

Task<> Details::commit(WorkDrain& drain, std::shared_ptr<const Batch> batch) {
    // Decrements `unwritten_` on success and failure. Not by RAII: when the program ends, the coroutine that
    // owns this object may be destroyed before this one.
    std::exception_ptr failure;
    try {
        const CommitCounts counts = co_await instance_.committer.commit(batch, std::nullopt);
        drain.on_committed(counts.queued);
    } catch (...) {
        failure = std::current_exception();
    }
    unwritten_ -= std::count_if(batch->details.begin(), batch->details.end(),
                                [](const auto& detail) { return detail.fetched_at.has_value(); });
    if (failure) std::rethrow_exception(failure);
}

}  // namespace glia
