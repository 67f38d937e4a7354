// Performs a pass: asks the API for what PassPipeline says, and commits behind the reading.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "daemon/sync/engine.hpp"
#include "daemon/sync/pass_pipeline.hpp"

namespace glia {

/// One pass on its way, at most one batch of it being committed at a time. What was fetched before a failure
/// is committed too. Under a lease that the caller has renewed. Made by std::make_shared; loop's thread only.
class PassDriver : public std::enable_shared_from_this<PassDriver> {
  public:
    PassDriver(Engine& engine, Pass pass, std::string site);

    /// Ends as soon as nothing more is asked of the API. The last commits may still be under way.
    Task<> read();
    /// `done` is called once the last commit is settled; within this call if it is. After read(). No
    /// coroutine is needed meanwhile.
    void when_settled(std::function<void(const PassResult&)> done);
    /// The same, awaited.
    Task<PassResult> result();

  private:
    std::optional<Ask> advance();
    void commit(PassPipeline::Commit what);
    void on_commit(const CommitResult& result);
    Task<> ask(Ask what);

    Engine& engine_;
    PassPipeline run_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    bool reading_ = false;
    bool ended_ = false;
    Signal settled_;  // a commit is
    std::function<void(const PassResult&)> done_;
};

/// Performs `pass` and waits for its last commit.
Task<PassResult> run_pass(Engine& engine, Pass pass, std::string site_id);

}  // namespace glia
