// Compiles Boost.JSON from its headers, so that the program links no further library.
#include <boost/json/src.hpp>
