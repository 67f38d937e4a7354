// migrate: brings the schema or the state file to this program's version, or prints the SQL for that.
#include <iostream>

#include "daemon/cli/bootstrap.hpp"
#include "daemon/cli/commands.hpp"
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

}  // namespace glia::cli
