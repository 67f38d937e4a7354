// Boost.Beast, compiled once: everything else sees declarations only (BOOST_BEAST_SEPARATE_COMPILATION,
// CMakeLists.txt).
#include <boost/beast/src.hpp>
