// Boost.JSON, compiled once: Debian's headers have it, so no package of its own is needed.
#include <boost/json/src.hpp>
