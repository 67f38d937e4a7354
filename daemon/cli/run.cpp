#include <algorithm>

#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/sync/service.hpp"

namespace glia::cli {

int run(const std::string& config, bool once, bool strict) {
    // While one writer waits for a long commit, the others serve the remaining calls.
    static constexpr int kConnections = 3;
    if (!once) return serve(config);
    return with_instance(config, kConnections, [strict](Instance& instance) -> Task<int> {
        std::int64_t rejected = 0;
        ExitStatus outcome = co_await run_once(instance, rejected);
        if (strict && rejected > 0) {
            outcome.merge({ExitReason::rejected, std::to_string(rejected) +
                                                     " records were rejected; see `glia-sync rejects list`"});
        }
        if (outcome.reason != ExitReason::done) complain(outcome.error);
        co_return exit_code(outcome.reason);
    });
}

}  // namespace glia::cli
