// engagement get|end|export, queue wait: the rest of the documented API, for the person on call. These
// commands need the API only; the service syncs their changes like any others.
#include <iostream>

#include "daemon/base/json_values.hpp"
#include "daemon/base/printable.hpp"
#include "daemon/cli/api_bootstrap.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/terminal.hpp"

namespace glia::cli {
namespace {

/// Prints an API error. An unknown or refused id is a usage error, not a configuration error.
int failed(const ApiError& error, const std::string& hint = {}) {
    const bool about_the_id =
        error.kind == ApiError::Kind::not_found || error.kind == ApiError::Kind::refused;
    std::string line = error.message;
    if (error.kind == ApiError::Kind::not_found) {
        line += "; is the id right, and does the token reach its site?";
    } else if (error.kind == ApiError::Kind::forbidden || error.kind == ApiError::Kind::refused) {
        line += hint;
    }
    complain(line);
    return about_the_id ? kUsage : exit_code(exit_reason_of(error));
}

/// Asks for confirmation unless --yes is given. Without a terminal, --yes is required. Returns none if
/// confirmed, otherwise the exit code.
std::optional<int> refused(const std::string& config, const EngagementOptions& options,
                           const std::string& what) {
    if (options.yes) return std::nullopt;
    const std::string all = what + " at " + load_settings(config).api.base_url;
    if (!has_person()) {
        complain("this would " + all + "; add --yes to confirm, because there is no terminal to ask on");
        return kUsage;
    }
    if (agrees("This will " + all + ".")) return std::nullopt;
    complain("nothing was changed");
    return exit_code(ExitReason::stopped);
}

void print_json(const boost::json::object& object) {
    std::cout << printable_json(boost::json::serialize(object)) << std::endl;
}

}  // namespace

int engagement_get(const std::string& config, const EngagementOptions& options) {
    return with_api(config, [options](EngagementsApi& api, const Settings&) -> Task<int> {
        const auto response = co_await api.get_json(options.id);
        if (!response) co_return failed(response.error());
        const std::string text = printable_json(response.value());
        std::cout << text << (text.ends_with('\n') ? "" : "\n") << std::flush;
        co_return 0;
    });
}

int engagement_end(const std::string& config, const EngagementOptions& options) {
    return guarded([&] {
        const bool error = options.reason == "error";
        const std::string what =
            "end engagement " + options.id + (error ? " with reason error" : "") + ", for its visitor too,";
        if (const auto no = refused(config, options, what)) return *no;
        return with_api(config, [options, error](EngagementsApi& api, const Settings&) -> Task<int> {
            const auto response = co_await api.end(options.id, error);
            if (!response)
                co_return failed(response.error(), "; only the engagement's current participant may end it");
            const EndResponse& ended = response.value();
            if (options.json) {
                print_json({{"id", ended.id}, {"sub_engagement_id", to_json(ended.sub_engagement_id)}});
            } else {
                std::cout << printable("ended engagement " + ended.id + " (leg " +
                                       ended.sub_engagement_id.value_or("unknown") + ")")
                          << std::endl;
            }
            co_return 0;
        });
    });
}

int engagement_export(const std::string& config, const EngagementOptions& options) {
    return guarded([&] {
        const std::string what =
            "export engagement " + options.id + " to the destination that its site configures,";
        if (const auto no = refused(config, options, what)) return *no;
        return with_api(config, [options](EngagementsApi& api, const Settings&) -> Task<int> {
            const auto response = co_await api.export_engagement(options.id);
            if (!response) co_return failed(response.error(), "; the token may not export it");
            if (options.json) print_json({{"success", response.value()}});
            if (!response.value()) {
                complain("POST /engagements/" + options.id +
                         "/export: the API says that it was not exported; see the site's export settings");
                co_return exit_code(ExitReason::unavailable);
            }
            if (!options.json) std::cout << "exported engagement " << printable(options.id) << std::endl;
            co_return 0;
        });
    });
}

int queue_wait(const std::string& config, bool as_json) {
    return with_api(config, [as_json](EngagementsApi& api, const Settings&) -> Task<int> {
        const auto response = co_await api.queue_wait();
        if (!response)
            co_return failed(response.error(),
                             "; the documentation asks for a visitor's token here: put one into "
                             "enrich.queue_wait.token_file");
        const OptionalInteger seconds = response.value();
        if (as_json) {
            print_json({{"average_duration_in_seconds",
                         seconds ? boost::json::value(*seconds) : boost::json::value()}});
        } else {
            std::cout << (seconds ? "visitors have waited " + std::to_string(*seconds) + " s on average"
                                  : "nobody has waited recently")
                      << std::endl;
        }
        co_return 0;
    });
}

}  // namespace glia::cli
