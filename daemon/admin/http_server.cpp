#include "daemon/admin/http_server.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <iterator>
#include <list>
#include <optional>
#include <stdexcept>

#include "daemon/admin/connection_places.hpp"
#include "daemon/base/http_bytes.hpp"
#include "daemon/base/log.hpp"

namespace glia {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

// Enough for a scraper, a browser with a few tabs and a load balancer's probe. A further connection replaces
// one that connection_to_close() chooses.
constexpr std::size_t kMostConnections = 32;
constexpr std::uint32_t kLongestHeader = 8192;  // bytes
// Maximum bytes that discard_rest() reads.
constexpr std::size_t kMaxRestBytes = std::size_t{256} * 1024;
constexpr Seconds kRestTimeLimit{1};
// Longer than Admin takes for a response (kWaitAtMost in admin.cpp): by then a connection is no longer
// `handling` and can be closed.
constexpr Seconds kWaitForRoom{5};
// Pause after a failed accept(), for example if the process has no file descriptor left.
constexpr Seconds kAcceptPause{1};

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr const char* kPlainText = "text/plain; charset=utf-8";

/// A connection with its state.
struct Peer {
    explicit Peer(tcp::socket socket) : stream(std::move(socket)) { now(PeerState::Doing::reading); }
    void now(PeerState::Doing doing) { state = {doing, std::chrono::steady_clock::now()}; }

    beast::tcp_stream stream;
    PeerState state;
};

/// Returns the response to a request that cannot be parsed; none if the connection ended or failed.
std::optional<AdminResponse> response_to_broken_request(const beast::error_code& failure) {
    if (failure == http::error::header_limit || failure == http::error::buffer_overflow)
        return AdminResponse{431, kPlainText, "the header of the request is too long\n"};
    const bool is_http = failure.category() == http::make_error_code(http::error::bad_version).category();
    if (!is_http || failure == http::error::end_of_stream || failure == http::error::partial_message)
        return std::nullopt;
    return AdminResponse{400, kPlainText, "the request is not valid HTTP/1.0 or HTTP/1.1, or has a body\n"};
}

}  // namespace

struct HttpServer::Impl {
    Impl(Runtime& loop, Handler given, Milliseconds limit)
        : runtime(loop),
          handler(std::move(given)),
          time_limit(limit),
          acceptor(loop.context()),
          writing_began(loop),
          coroutines(loop) {}

    Runtime& runtime;
    Handler handler;
    Milliseconds time_limit;
    tcp::acceptor acceptor;
    std::list<Peer*> connections;
    AsyncCondition writing_began;  // notified when a response begins to be sent, and by close()
    WaitGroup coroutines;

    static Task<> accept(std::shared_ptr<Impl> self) {
        while (self->acceptor.is_open()) {
            auto [error, socket] = co_await self->acceptor.async_accept(kTuple);
            if (error == asio::error::operation_aborted || !self->acceptor.is_open()) break;
            if (error) {
                log::warn(LogTopic::admin, "accepting a connection failed", {{"error", error.message()}});
                AsyncCondition pause(self->runtime);
                co_await pause.wait_for(kAcceptPause);
                continue;
            }
            if (!co_await self->wait_for_room()) continue;  // closes the socket
            self->coroutines.add();
            self->runtime.spawn(serve(self, std::move(socket)));
        }
        self->coroutines.remove();
    }

    /// Waits until make_room() succeeds. Returns false after kWaitForRoom or close().
    Task<bool> wait_for_room() {
        const auto until = std::chrono::steady_clock::now() + kWaitForRoom;
        while (!make_room()) {
            const auto left =
                std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
            if (left.count() <= 0 || !acceptor.is_open()) co_return false;
            co_await writing_began.wait_for(left);
        }
        co_return true;
    }

    /// Closes a connection if the maximum is reached. Returns false if none can be closed.
    bool make_room() {
        if (connections.size() < kMostConnections) return true;
        std::vector<PeerState> states;
        for (const Peer* peer : connections) states.push_back(peer->state);
        const auto place = connection_to_close(states);
        if (!place) return false;
        const auto peer = std::next(connections.begin(), static_cast<std::ptrdiff_t>(*place));
        (*peer)->stream.close();
        connections.erase(peer);  // frees the place now, not when the coroutine ends
        return true;
    }

    static Task<> serve(std::shared_ptr<Impl> self, tcp::socket socket) {
        Peer peer(std::move(socket));
        struct Place {  // RAII: also when the suspended coroutine is destroyed
            Place(std::list<Peer*>& all, Peer& one) : all_(all), one_(one) { all_.push_back(&one_); }
            ~Place() { all_.remove(&one_); }
            Place(const Place&) = delete;
            Place& operator=(const Place&) = delete;
            std::list<Peer*>& all_;
            Peer& one_;
        };
        {
            const Place place(self->connections, peer);
            beast::flat_buffer buffer(kLongestHeader);
            while (co_await serve_one(*self, peer, buffer)) {
            }
        }
        beast::error_code ignored;
        peer.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
        self->coroutines.remove();
    }

    /// Reads a request and responds. Returns false if the connection is to be closed.
    static Task<bool> serve_one(Impl& self, Peer& peer, beast::flat_buffer& buffer) {
        http::request_parser<http::empty_body> parser;
        parser.header_limit(kLongestHeader);
        peer.now(PeerState::Doing::reading);
        peer.stream.expires_after(self.time_limit);  // one limit for the whole request, not for each read
        const auto [failure, size] = co_await http::async_read(peer.stream, buffer, parser, kTuple);
        if (failure) {
            auto refusal = response_to_broken_request(failure);
            if (refusal && co_await write(self, peer, false, 11, false, std::move(*refusal)))
                co_await discard_rest(peer);
            co_return false;
        }
        const auto request = parser.release();
        bool keep = request.keep_alive();
        peer.now(PeerState::Doing::handling);
        AdminResponse response;
        if (request.method() == http::verb::get || request.method() == http::verb::head) {
            response = co_await call_handler(self, admin_request_of(request));
        } else {
            response = {405, kPlainText, "only GET and HEAD are answered\n", {{"Allow", "GET, HEAD"}}};
            keep = false;  // the body, if there is one, is not read
        }
        if (!self.acceptor.is_open()) keep = false;
        const bool head = request.method() == http::verb::head;
        co_return co_await write(self, peer, head, request.version(), keep, std::move(response)) && keep;
    }

    static AdminRequest admin_request_of(const http::request<http::empty_body>& request) {
        AdminRequest admin_request;
        const std::string target(request.target());
        admin_request.path = target.substr(0, target.find('?'));
        admin_request.http_1_0 = request.version() < 11;
        const auto [begin, end] = request.equal_range(http::field::host);
        for (auto field = begin; field != end; ++field) admin_request.hosts.emplace_back(field->value());
        return admin_request;
    }

    /// Returns the handler's response, or 500 if the handler throws.
    static Task<AdminResponse> call_handler(Impl& self, AdminRequest request) {
        const std::string path = request.path;
        std::string why;
        try {
            co_return co_await self.handler(std::move(request));
        } catch (const std::exception& error) {
            why = error.what();
        }
        log::error(LogTopic::admin, "answering a request failed", {{"path", path}, {"error", why}});
        co_return AdminResponse{500, kPlainText, "internal error; see the log\n"};
    }

    /// Sends the response. Returns false if that failed.
    static Task<bool> write(Impl& self, Peer& peer, bool head, unsigned version, bool keep,
                            AdminResponse response) {
        http::response<http::string_body> message{static_cast<http::status>(response.status), version};
        message.set(http::field::content_type, response.content_type);
        message.set(http::field::cache_control, "no-store");
        message.set("X-Content-Type-Options", "nosniff");
        for (const auto& [name, value] : response.headers) message.set(name, value);
        message.keep_alive(keep);
        message.body() = std::move(response.body);
        message.prepare_payload();
        if (head) message.body().clear();  // Content-Length stays that of the GET response
        const std::string bytes = bytes_of(message);
        peer.now(PeerState::Doing::writing);
        self.writing_began.notify();
        peer.stream.expires_after(self.time_limit);
        const auto [error, size] = co_await asio::async_write(peer.stream, asio::buffer(bytes), kTuple);
        co_return !error;
    }

    /// Reads and drops what the client still sends, up to a limit. Closing a socket with unread data resets
    /// the connection, and the client may lose the response.
    static Task<> discard_rest(Peer& peer) {
        beast::error_code ignored;
        peer.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
        peer.now(PeerState::Doing::reading);
        peer.stream.expires_after(kRestTimeLimit);
        std::array<char, 4096> rest{};
        for (std::size_t all = 0; all < kMaxRestBytes;) {
            const auto [error, size] = co_await peer.stream.async_read_some(asio::buffer(rest), kTuple);
            if (error) break;
            all += size;
        }
    }
};

HttpServer::HttpServer(Runtime& runtime, Handler handler, Milliseconds time_limit)
    : impl_(std::make_shared<Impl>(runtime, std::move(handler), time_limit)) {}

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
    for (Peer* peer : impl_->connections) peer->stream.cancel();
    impl_->writing_began.notify();
}

Task<> HttpServer::idle() {
    const std::shared_ptr<Impl> impl = impl_;
    while (impl->coroutines.count() > 0) co_await impl->coroutines.wait();
}

}  // namespace glia
