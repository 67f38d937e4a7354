// The last part of a history: `verify` must find the injected losses and nothing else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/verifier.hpp"

namespace simulation {

/// The recheck delay of a site that a service reads.
Milliseconds recheck_delay_of(const SyncSettings& sync, Instant now);

/// Runs once the history is at rest. Injects losses, and checks that `verify` finds them and nothing else. In
/// some scenarios services run at the same time and may repair losses first.
class FinalVerification {
  public:
    FinalVerification(World& world, Verifier& verifier,
                      const std::vector<std::unique_ptr<Process>>& instances)
        : world_(world), verifier_(verifier), instances_(instances), random_(world.scenario.seed + 99) {}

    /// Reports an error as ModelDatabase::violation.
    void run();

  private:
    void wrong(const std::string& what);
    VerificationSpec spec();
    void arrive_late();
    void inject_losses();
    /// Runs a verification to its end.
    void verify(const std::function<void(const Verification&)>& check);
    void forget_sites();
    void remove(const std::string& id);
    void check(const Verification& done);

    World& world_;
    Verifier& verifier_;
    const std::vector<std::unique_ptr<Process>>& instances_;
    Random random_;
    std::map<std::string, DifferenceKind> injected_;
    bool is_over_ = false;  // the last verification has ended
};

}  // namespace simulation
