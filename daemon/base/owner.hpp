// Who holds a lease: the name of this process, and whether the process behind another name is known to be
// dead.
#pragma once

#include <string>

namespace glia {

/// `host/pid/start/boot/namespace`: unique for every process ever started.
std::string this_owner();

/// True only if the owner ran under this kernel and in this PID namespace and its process is gone. Of owners
/// elsewhere nothing is known: their leases have to expire. A mistake does no harm, the lease's epoch fences
/// (DESIGN.md §3.8).
bool is_dead(const std::string& owner);

/// This machine since it was started: its clock does not jump without that.
std::string this_machine();

}  // namespace glia
