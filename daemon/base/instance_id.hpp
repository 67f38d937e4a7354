// Identifies the holders of leases: the id of this process, and whether the process of another id is dead.
#pragma once

#include <string>

namespace glia {

/// `host/pid/start/boot/namespace`: unique for every process ever started.
std::string this_instance_id();

/// True only if the instance ran under this kernel and in this PID namespace and its process is gone. The
/// leases of instances elsewhere have to expire. Needed because `run --once` does not wait for claims of jobs
/// to expire: after a kill -9 the next run would otherwise skip the jobs that the dead instance had claimed
/// (DESIGN.md §3.1). A wrong result does no harm, because the lease's epoch fences every commit (§3.8).
bool is_dead(const std::string& instance_id);

/// The machine's boot id. Clock offsets are stored under it, because a reboot may set the clock.
std::string this_machine();

}  // namespace glia
