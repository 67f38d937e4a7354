#include "sinks/postgres/failed_runs.hpp"

#include "sinks/postgres/sql.hpp"

namespace glia::postgres {

std::optional<std::int64_t> add_failure(Transaction& tx, const Failure& failure, const pqxx::row& last_run) {
    const OptionalText last = text(last_run, "failed_run_id");
    const FailedPass& failed = failure.failed;
    if (last && tx.write(sql::repeat_failure, {*last, failed.mode, failure.site, failure.error}) > 0)
        return std::nullopt;
    const OpenPass& pass = failed.pass;
    const auto added =
        tx.run(sql::add_failure,
               {failed.mode, failure.site, failure.backfill ? param(*failure.backfill) : std::nullopt,
                to_text(pass.from), param(pass.to), param(pass.started_at), param(pass.pages),
                param(pass.engagements), param(failed.rejected), param(failed.requests), failure.error,
                param(failure.epoch), failure.stream});
    return integer(added[0], "id");
}

}  // namespace glia::postgres
