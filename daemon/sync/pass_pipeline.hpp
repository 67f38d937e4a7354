// How a pass turns pages into batches: each batch is committed with its checkpoint while the next page is
// fetched. Decisions only: the caller fetches and commits, and reports the results.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/exit_status.hpp"
#include "daemon/sync/listed_ids.hpp"
#include "daemon/sync/pass.hpp"

namespace glia {

/// The result of a pass.
struct PassResult {
    ExitStatus outcome;
    bool complete = false;
    bool site_refused = false;  ///< the API refuses the site itself: other windows of it would fail too
    CommitCounts counts;
    std::int64_t pages = 0;
    /// The position at the end, for the sync_runs row of a failed pass; `mode` is not set.
    FailedPass reached;
    /// The listed ids. Null unless collect_ids() was called and the pass has read its range from the first
    /// page to the last.
    std::shared_ptr<ListedIds> listed;
};

/// See the top of the file. Perform the steps of next() in a loop:
///   Fetch   ask the API, then on_page() or on_error()
///   Commit  begin to write the batch with its checkpoint, and continue; call on_committed() or
///           on_commit_failed() when it is completed
///   Await   wait until the running commit is completed
///   End     result() is final
class PassPipeline {
  public:
    /// `batch_size`: engagements per commit.
    PassPipeline(Pass pass, std::string site_id, const SyncSettings& sync,
                 std::size_t batch_size = kBatchEngagements);

    /// Collects the listed ids for PassResult::listed. Call it before the first step.
    void collect_ids() { listed_ = std::make_shared<ListedIds>(); }

    struct Fetch {
        PageRequest ask;
    };
    struct Commit {
        std::shared_ptr<const Batch> batch;
        PassCheckpoint checkpoint;
    };
    struct Await {};
    struct End {};
    using Step = std::variant<Fetch, Commit, Await, End>;
    Step next();

    void on_page(FetchedPage page);
    /// A request failed. Returns true if the pass restarts its window, because the cursor had expired.
    bool on_error(const ApiError& error);
    void on_committed(const CommitCounts& counts);
    /// Drops what was fetched since the last commit; the position in the database still matches its rows.
    void on_commit_failed(const ExitStatus& outcome);
    /// Fetches no further page: commits what was fetched, and ends the pass at this position.
    void stop();

    const PassResult& result() const { return result_; }
    const std::string& site() const { return site_; }

    // Large enough to make a transaction's fixed costs negligible, small enough that a batch is about 2 MB.
    static constexpr std::size_t kBatchEngagements = 500;

    /// True once the pass sends no further request.
    bool over() const { return pass_.complete() || pass_.failed() || given_up_; }

  private:
    Step end();
    void collect_ids(const ParsedPage& page);

    Pass pass_;
    std::string site_;
    SyncSettings sync_;
    std::size_t batch_size_;
    std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
    PassResult result_;
    bool given_up_ = false;
    bool asked_last_by_link_ = false;
    bool position_is_new_ = false;  // there is something to commit, at least the position
    bool committing_ = false;
    bool commit_failed_ = false;
    std::shared_ptr<ListedIds> listed_;
    bool began_at_first_page_ = false;
};

/// Adds a record and its metadata for the merge to a batch. Skips a record that retention would erase again.
void add_to_batch(Batch& batch, Engagement engagement, RecordSource source, const AskedAt& asked,
                  const std::string& site_id, const SyncSettings& sync);

}  // namespace glia
