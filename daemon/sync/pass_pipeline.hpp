// How a pass is worked off: pages become batches, each batch is committed with its checkpoint while the next
// page is fetched. Decisions only: the caller fetches and commits, and tells what came of it.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/config/settings.hpp"
#include "daemon/sync/outcome.hpp"
#include "daemon/sync/pass.hpp"

namespace glia {

/// What a pass did.
struct PassResult {
    Outcome outcome;
    bool complete = false;
    bool site_refused =
        false;  ///< the API refuses the site itself (401, 403, 404): other windows of it would fail too
    CommitCounts counts;
    std::int64_t pages = 0;
    FailedPass reached;  ///< where it stood at its end, for the row of one that failed; mode is left empty
};

/// See the file's head. A loop around next() performs what it says:
///   Fetch   ask the API, then on_page() or on_error()
///   Commit  begin to write the batch with its checkpoint, and go on; on_committed() or on_commit_failed()
///           when it is through
///   Await   wait until the commit that was begun is through
///   End     result() is final
class PassPipeline {
  public:
    /// `batch`: so many engagements are committed at once.
    PassPipeline(Pass pass, std::string site_id, const SyncSettings& sync,
                 std::size_t batch = kBatchEngagements);

    struct Fetch {
        Ask ask;
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
    /// True if the pass goes on all the same: the cursor had ended, and the window is read again.
    bool on_error(const ApiError& error);
    void on_committed(const CommitCounts& counts);
    /// What was fetched since the last commit is lost; the position in the database is that of its rows.
    void on_commit_failed(const Outcome& outcome);
    /// No further page: what was fetched is committed, and the pass ends where it stands.
    void stop();

    const PassResult& result() const { return result_; }
    const std::string& site() const { return site_; }

    // Large enough that a transaction's fixed costs do not show, small enough that a batch is about 2 MB.
    static constexpr std::size_t kBatchEngagements = 500;

    /// Nothing more is asked of the API.
    bool over() const { return pass_.complete() || pass_.failed() || given_up_; }

  private:
    Step end();

    Pass pass_;
    std::string site_;
    SyncSettings sync_;
    std::size_t full_;
    std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
    PassResult result_;
    bool given_up_ = false;
    bool asked_last_by_link_ = false;
    bool position_is_new_ = false;  // there is something to commit, be it only the position
    bool committing_ = false;
    bool commit_failed_ = false;
};

/// Takes a record into a batch, with what the merge needs to know; not one that retention would erase again.
void add_to_batch(Batch& batch, Engagement engagement, RecordSource source, const AskedAt& asked,
                  const std::string& site_id, const SyncSettings& sync);

}  // namespace glia
