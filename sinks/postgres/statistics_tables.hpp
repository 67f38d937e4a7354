// The rows of interval statistics, from their lists of fields.
#pragma once

#include "sinks/fields/statistics_fields.hpp"
#include "sinks/postgres/tables.hpp"

namespace glia::postgres {

using QueueWaitTable = TableOf<"queue_wait_intervals", QueueWaitFields>;
using HandleTable = TableOf<"handle_intervals", HandleFields>;
using WrapUpTable = TableOf<"wrap_up_intervals", WrapUpFields>;
using OperatorStateTable = TableOf<"operator_state_intervals", OperatorStateFields>;

}  // namespace glia::postgres
