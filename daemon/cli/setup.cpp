// migrate, config check, config show
#include <unistd.h>

#include <iostream>

#include "daemon/base/printable.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/session.hpp"
#include "sinks/postgres/schema_script.hpp"

namespace glia::cli {

int migrate(const std::string& config, bool print) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        if (settings.sink == SinkType::ndjson) {
            if (print) {
                complain(
                    "migrate --print: the sink ndjson has no schema; its state file is made when it is "
                    "needed");
                return 64;
            }
            open_sink(settings)->migrate();
            std::cerr << "state file " << settings.ndjson.state << " is in order\n";
            return 0;
        }
        if (print) {
            std::cout << postgres::migration_script(settings.postgres.schema);
            return 0;
        }
        const int version = postgres::open(sink_settings(settings))->migrate();
        std::cout << "schema " << settings.postgres.schema << " is at version " << version << "\n";
        return 0;
    });
}

int config_check(const std::string& config) {
    return guarded([&] {
        const Settings settings = load_settings(config);
        const std::string& file = settings.postgres.dsn_file;
        // The secrets may be elsewhere, or not for whoever checks.
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
