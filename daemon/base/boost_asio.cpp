// Boost.Asio, compiled once: everything else sees declarations only (BOOST_ASIO_SEPARATE_COMPILATION,
// CMakeLists.txt).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
