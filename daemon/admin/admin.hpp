// The service's HTTP endpoints at admin.listen (DESIGN.md §2): /metrics, /healthz, /readyz, a status page at
// /, and the values of that page as JSON at /status.json.
#pragma once

#include <functional>
#include <memory>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/sync/instance.hpp"

namespace glia {

/// Serves the endpoints. Loop's thread only. A request reads the state from the database, through a separate
/// connection, unless the last result is recent enough. If the database does not respond in time, the
/// response shows the last known state.
class Admin {
  public:
    Admin(Runtime& runtime, Metrics& metrics);
    ~Admin();

    /// Switches to `instance`: shows its state, reads the database through `sinks`, and listens at the
    /// address in its settings. If it cannot bind the address, logs that and retries every ten seconds:
    /// another process, such as a service with the same configuration, may free it. `instance` must live
    /// until the next show(), or until idle() has completed.
    void show(Instance& instance, SinkFactory sinks);
    /// Stops listening; requests under way get 503. Cannot be undone.
    void close();
    /// Call it after close(). Completes when no coroutine of this object is left, and closes the connection
    /// to the database.
    Task<> idle();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
