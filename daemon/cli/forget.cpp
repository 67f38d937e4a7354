// forget: erases a visitor, an engagement, or an operator's name and contact, for good.
#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/terminal.hpp"
#include "daemon/sync/erasure.hpp"

namespace glia::cli {
namespace {

ForgetOrder order_of(const ForgetOptions& options, const Privacy& privacy) {
    ForgetOrder order;
    if (!options.engagement.empty()) order.engagement_id = options.engagement;
    if (!options.operator_id.empty()) order.operator_id = options.operator_id;
    if (options.visitor.empty()) return order;
    order.visitor_id = options.visitor;
    order.stored_visitor_id = privacy.stored_visitor_id(options.visitor);
    if (order.stored_visitor_id == order.visitor_id) order.stored_visitor_id.reset();
    return order;
}

Task<int> forget_now(Instance& instance, ForgetOptions options, std::string whom) {
    const Privacy& privacy = instance.api.privacy();
    const ForgetOrder order = order_of(options, privacy);
    const auto begin = [order](Sink& sink) { sink.erasures().forget(order); };
    co_await instance.sink_pool.run(begin);
    ErasureQueue orders;
    const Erased erased = co_await erase_ordered(instance, orders);
    if (!options.operator_id.empty()) {
        std::cout << "forgot " << printable(whom) << ": "
                  << (erased.any() ? "name and contact are erased" : "nothing was stored")
                  << "; later listings do not store them again. Engagements keep the id" << std::endl;
        co_return 0;
    }
    const std::int64_t files_left = co_await erase_recordings(instance);
    std::cout << "forgot " << printable(whom) << ": " << erased.engagements << " engagements and "
              << erased.rejected << " rejected records erased; what the API still returns is not stored again"
              << std::endl;
    if (!options.visitor.empty() && privacy.levels().visitor_id == PrivacyLevel::drop) {
        std::cout
            << "visitors' ids are not stored (privacy.visitor_id: drop): engagements stored without them "
               "can be forgotten with --engagement only"
            << std::endl;
    }
    print_files_left(files_left);
    co_return 0;
}

}  // namespace

void print_files_left(std::int64_t engagements) {
    if (engagements == 0) return;
    std::cout << "recordings of " << engagements
              << " engagements are still on disk; an instance whose configuration has "
                 "enrich.recordings.directory deletes them"
              << std::endl;
}

int forget(const std::string& config, const ForgetOptions& options) {
    if (options.visitor.empty() && options.engagement.empty() && options.operator_id.empty()) {
        complain("forget: give --visitor ID or --engagement ID, or --operator ID for an operator");
        return kUsage;
    }
    const std::string whom = !options.operator_id.empty() ? "operator " + options.operator_id
                             : options.visitor.empty()    ? "engagement " + options.engagement
                                                          : "visitor " + options.visitor;
    if (!options.yes && has_person() &&
        !agrees(std::string("This will erase ") +
                (options.operator_id.empty() ? "all data" : "name and contact") + " of " + whom +
                " from the database, for good.")) {
        complain("nothing was changed");
        return exit_code(ExitReason::stopped);
    }
    static constexpr int kConnections = 1;
    return with_instance(config, kConnections, [options, whom](Instance& instance) -> Task<int> {
        std::optional<SinkError> failure;
        int code = 0;
        try {
            code = co_await forget_now(instance, options, whom);
        } catch (const SinkError& error) {
            failure.emplace(error);
        }
        if (!failure) co_return code;
        complain(std::string(failure->what()) + "; run it again to continue");
        co_return exit_code(instance.exit_status_of(*failure).reason);
    });
}

}  // namespace glia::cli
