// config check, config show
#include <unistd.h>

#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"

namespace glia::cli {

int config_check(const std::string& config) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        const std::string& file = settings.postgres.dsn_file;
        // The secrets may be on another machine, or unreadable for this user.
        const bool readable = file.empty() || access(file.c_str(), R_OK) == 0;
        if (settings.sink == SinkType::postgres && readable) resolve_dsn(settings.postgres);
        std::cout << printable(config) << ": in order\n";
        if (settings.sink == SinkType::postgres && !readable)
            std::cout << "sink.postgres.dsn_file: " << printable(file)
                      << " is not there or not readable here, so its DSN is not checked\n";
        return 0;
    });
}

int config_show(const std::string& config) {
    return guarded([&] {
        std::cout << show_settings(load_settings(config));
        return 0;
    });
}

}  // namespace glia::cli
