#include "daemon/admin/http_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <list>
#include <stdexcept>

#include "daemon/ops/log.hpp"

namespace glia {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

// A scraper, a browser with a few tabs, a load balancer's probe; whoever comes beyond that is turned away.
constexpr std::size_t kMostConnections = 32;
constexpr std::uint32_t kLongestHeader = 8192;
// For a request to come in, an answer to go out, or an idle connection to be used again.
constexpr std::chrono::seconds kPatience{15};
// After an error of accept(), such as no file descriptors being left.
constexpr std::chrono::seconds kAcceptPause{1};

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

struct HttpServer::Impl {
    Impl(Runtime& loop, Handler given)
        : runtime(loop), handler(std::move(given)), acceptor(loop.context()), coroutines(loop) {}

    Runtime& runtime;
    Handler handler;
    tcp::acceptor acceptor;
    std::list<beast::tcp_stream*> connections;
    Latch coroutines;

    static Task<> accept(std::shared_ptr<Impl> self) {
        while (self->acceptor.is_open()) {
            auto [error, socket] = co_await self->acceptor.async_accept(kTuple);
            if (error == asio::error::operation_aborted || !self->acceptor.is_open()) break;
            if (error) {
                log::warn(LogTopic::admin, "a connection cannot be accepted", {{"error", error.message()}});
                Signal pause(self->runtime);
                co_await pause.wait_for(kAcceptPause);
                continue;
            }
            if (self->connections.size() >= kMostConnections) continue;  // closes it
            self->coroutines.add();
            self->runtime.spawn(serve(self, std::move(socket)));
        }
        self->coroutines.remove();
    }

    static Task<> serve(std::shared_ptr<Impl> self, tcp::socket socket) {
        beast::tcp_stream stream(std::move(socket));
        const auto place = self->connections.insert(self->connections.end(), &stream);
        beast::flat_buffer buffer(kLongestHeader);
        for (;;) {
            http::request_parser<http::empty_body> parser;
            parser.header_limit(kLongestHeader);
            stream.expires_after(kPatience);
            const auto [failure, size] = co_await http::async_read(stream, buffer, parser, kTuple);
            if (failure) break;
            const auto request = parser.release();
            bool keep = request.keep_alive();
            HttpAnswer answer;
            if (request.method() == http::verb::get || request.method() == http::verb::head) {
                const std::string target(request.target());
                answer = co_await self->handler(target.substr(0, target.find('?')));
            } else {
                answer = {405,
                          "text/plain; charset=utf-8",
                          "only GET and HEAD are answered\n",
                          {{"Allow", "GET, HEAD"}}};
                keep = false;  // there may be a body that nobody reads
            }
            if (!self->acceptor.is_open()) keep = false;
            stream.expires_after(kPatience);
            if (!co_await write(stream, request.method() == http::verb::head, request.version(), keep,
                                std::move(answer)) ||
                !keep) {
                break;
            }
        }
        self->connections.erase(place);
        beast::error_code ignored;
        stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
        self->coroutines.remove();
    }

    static Task<bool> write(beast::tcp_stream& stream, bool head, unsigned version, bool keep,
                            HttpAnswer answer) {
        http::response<http::string_body> response{static_cast<http::status>(answer.status), version};
        response.set(http::field::content_type, answer.content_type);
        response.set(http::field::cache_control, "no-store");
        response.set("X-Content-Type-Options", "nosniff");
        for (const auto& [name, value] : answer.headers) response.set(name, value);
        response.keep_alive(keep);
        response.body() = std::move(answer.body);
        response.prepare_payload();
        if (head) response.body().clear();  // the length stays that of the whole answer
        http::response_serializer<http::string_body> serializer(response);
        beast::error_code error;
        if (head) {
            std::tie(error, std::ignore) = co_await http::async_write_header(stream, serializer, kTuple);
        } else {
            std::tie(error, std::ignore) = co_await http::async_write(stream, serializer, kTuple);
        }
        co_return !error;
    }
};

HttpServer::HttpServer(Runtime& runtime, Handler handler)
    : impl_(std::make_shared<Impl>(runtime, std::move(handler))) {}

HttpServer::~HttpServer() {
    close();
}

void HttpServer::listen(const ListenAddress& address) {
    boost::system::error_code error;
    impl_->acceptor.close(error);
    const tcp::endpoint endpoint(asio::ip::make_address(address.ip),
                                 static_cast<std::uint16_t>(address.port));
    tcp::acceptor fresh(impl_->runtime.context());
    fresh.open(endpoint.protocol(), error);
    if (!error) fresh.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) fresh.bind(endpoint, error);
    if (!error) fresh.listen(asio::socket_base::max_listen_connections, error);
    if (error) throw std::runtime_error(error.message());
    impl_->acceptor = std::move(fresh);
    impl_->coroutines.add();
    impl_->runtime.spawn(Impl::accept(impl_));
}

int HttpServer::port() const {
    boost::system::error_code error;
    const auto endpoint = impl_->acceptor.local_endpoint(error);
    return error ? 0 : endpoint.port();
}

void HttpServer::close() {
    boost::system::error_code error;
    impl_->acceptor.close(error);
    for (beast::tcp_stream* stream : impl_->connections) stream->cancel();
}

Task<> HttpServer::idle() {
    const std::shared_ptr<Impl> impl = impl_;
    while (impl->coroutines.count() > 0) co_await impl->coroutines.wait();
}

}  // namespace glia
