#include <algorithm>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/session.hpp"
#include "daemon/sync/service.hpp"

namespace glia::cli {

int run(const std::string& config, bool once, bool strict) {
    // Two writers keep one connection free while the other waits for a long commit.
    static constexpr int kConnections = 3;
    if (!once) return serve(config);
    return with_engine(config, kConnections, [strict](Engine& engine) -> Task<int> {
        std::int64_t rejected = 0;
        Outcome outcome = co_await run_once(engine, rejected);
        if (strict && rejected > 0) {
            outcome.merge({Ending::rejected, std::to_string(rejected) +
                                                 " records were rejected; see `glia-sync rejects list`"});
        }
        if (outcome.ending != Ending::done) complain(outcome.error);
        co_return exit_code(outcome.ending);
    });
}

}  // namespace glia::cli
