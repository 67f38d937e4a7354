// What people and machines ask of a running service at admin.listen (DESIGN.md §2): /metrics, /healthz,
// /readyz, a status page at /, and its facts at /status.json.
#pragma once

#include <functional>
#include <memory>

#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"
#include "daemon/sync/instance.hpp"

namespace glia {

/// Loop's thread only. Asks the database on a connection of its own, at most every few seconds and only if
/// somebody asks; what does not come in time is answered from what was known before.
class Admin {
  public:
    Admin(Runtime& runtime, Metrics& metrics);
    ~Admin();

    /// From now on, shows `instance`, asks `sinks`, and listens where its settings say. An address that
    /// cannot be had is logged and tried again: two instances on one machine share a configuration.
    void show(Instance& instance, SinkFactory sinks);
    /// Before the instance that is shown goes away.
    void close();
    /// Nothing of it is under way any more, after close().
    Task<> idle();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace glia
