// The bytes of an HTTP message. Of all headers only this one and runtime.hpp include Asio or Beast; sources
// that include this one compile Beast anyway.
#pragma once

#include <boost/beast/core/buffer_traits.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>
#include <stdexcept>
#include <string>

namespace glia {

/// Returns the bytes of a message with its body, to be sent by asio::async_write(). Halves the time to
/// compile a source that would call http::async_write(), which is instantiated for each stream and body and
/// for each part of the header.
template <bool kIsRequest, typename Body>
std::string bytes_of(const boost::beast::http::message<kIsRequest, Body>& message) {
    std::string bytes;
    boost::beast::http::serializer<kIsRequest, Body> serializer(message);
    boost::system::error_code error;
    while (!serializer.is_done() && !error) {
        serializer.next(error, [&](boost::system::error_code&, const auto& buffers) {
            bytes += boost::beast::buffers_to_string(buffers);
            serializer.consume(boost::beast::buffer_bytes(buffers));
        });
    }
    if (error) throw std::logic_error("an HTTP message cannot be written: " + error.message());
    return bytes;
}

}  // namespace glia
