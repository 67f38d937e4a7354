#include "sinks/planted.hpp"

namespace glia {

#ifdef GLIA_PLANTED
thread_local Mistake planted_mistake = Mistake::none;
#endif

}  // namespace glia
