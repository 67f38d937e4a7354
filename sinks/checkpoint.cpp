#include "sinks/checkpoint.hpp"

#include "sinks/sink_error.hpp"

namespace glia {

void fence(std::int64_t rows_written, const std::string& what, std::size_t leases) {
    if (static_cast<std::size_t>(rows_written) < leases)
        throw SinkError(SinkError::Kind::lease_lost,
                        "the lease on " + what + " has passed to another instance");
}

std::string describe(const SiteTarget& site) {
    if (site.stream == Stream::engagements) return "site " + site.site_id;
    return std::string(name_of(site.stream)) + " of site " + site.site_id;
}

std::string describe(const WindowTarget& window) {
    return "the backfill window of " + to_iso8601(window.from) + " of site " + window.site_id;
}

}  // namespace glia
