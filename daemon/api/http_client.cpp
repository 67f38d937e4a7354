// The only file of the daemon that knows Beast.
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cctype>
#include <map>
#include <set>

#include "daemon/api/http.hpp"

namespace glia {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;
using Clock = std::chrono::steady_clock;

// Servers close idle connections after a minute or so; closing first avoids most surprises.
constexpr std::chrono::seconds kIdleLimit{20};
constexpr std::uint32_t kLongestHead = 64 * 1024;
// Beast reads as much at once as its buffer has room for, and its buffer begins with none.
constexpr std::size_t kReadAtOnce = std::size_t{64} * 1024;

// Lookups whose thread has not come back; the loop's thread only.
int pending_lookups = 0;

/// A connection to one origin, plain or TLS.
struct Connection {
    explicit Connection(asio::io_context& context) : plain(context) { buffer.reserve(kReadAtOnce); }
    beast::tcp_stream& tcp_layer() { return tls ? tls->next_layer() : plain; }

    beast::tcp_stream plain;
    std::optional<beast::ssl_stream<beast::tcp_stream>> tls;
    beast::flat_buffer buffer;
    Clock::time_point idle_since{};
};

/// A name being looked up. The system's resolver blocks in a thread of Asio's and knows no time limit of
/// ours, so whoever waits stops waiting; what comes later is dropped.
struct Lookup {
    explicit Lookup(Runtime& runtime) : resolver(runtime.context()), over(runtime) {}
    tcp::resolver resolver;
    Signal over;  // done, or not wanted any more
    std::optional<error_code> error;
    tcp::resolver::results_type addresses;
};

struct Exchange {
    HttpOutcome outcome;
    bool nothing_received = false;  // a pooled connection that had been closed looks like this
    bool reusable = false;
};

HttpFailure failure(const error_code& error, const std::string& doing, const std::string& where) {
    if (error == asio::error::operation_aborted)
        return {HttpFailure::Kind::cancelled, "stopped while " + doing};
    if (error == beast::error::timeout)
        return {HttpFailure::Kind::network, "timed out while " + doing + " " + where};
    if (error == http::error::body_limit || error == http::error::header_limit ||
        error == http::error::buffer_overflow) {
        return {HttpFailure::Kind::response,
                "the response of " + where + " is longer than any that makes sense"};
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
        return {HttpFailure::Kind::network, "the connection was cut while " + doing + " " + where};
    }
    if (error.category() == http::make_error_code(http::error::bad_version).category()) {
        return {HttpFailure::Kind::response, "the answer of " + where + " is not HTTP: " + error.message()};
    }
    return {HttpFailure::Kind::network, doing + " " + where + " failed: " + error.message()};
}

std::optional<std::string> inflate_body(const std::string& body, std::size_t limit, std::string& why) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 32) != Z_OK) {  // 15 bits of window; + 32: gzip or zlib, as it comes
        why = "zlib does not start";
        return std::nullopt;
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));  // zlib does not write there
    stream.avail_in = static_cast<uInt>(body.size());
    std::string out;
    int state = Z_OK;
    while (state == Z_OK && out.size() <= limit) {
        const std::size_t before = out.size();
        out.resize(before + std::max(std::size_t{64} * 1024, body.size() * 4));
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream.avail_out = static_cast<uInt>(out.size() - before);
        state = inflate(&stream, Z_NO_FLUSH);
        out.resize(out.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    if (out.size() > limit) {
        why = "longer than any that makes sense";
        return std::nullopt;
    }
    if (state != Z_STREAM_END) {
        why = "not valid gzip";
        return std::nullopt;
    }
    return out;
}

std::string base64(const std::string& text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a NUL
    out.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                                        reinterpret_cast<const unsigned char*>(text.data()),
                                                        static_cast<int>(text.size()))));
    return out;
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
        if (beast::iequals(key, name)) return value;
    }
    return {};
}

struct HttpClient::Impl {
    Impl(Runtime& loop, HttpSettings given) : runtime(loop), settings(std::move(given)) {
        if (!settings.ca_file.empty()) tls_context();  // a mistake in it is to be known at the start
    }

    Runtime& runtime;
    HttpSettings settings;
    std::optional<asio::ssl::context> tls;  // made when it is needed: the certificates take a megabyte
    std::map<std::string, std::vector<std::unique_ptr<Connection>>> idle;
    std::set<Connection*> active;
    std::set<Lookup*> looking_up;
    bool cancelled = false;

    Task<HttpOutcome> exchange(HttpRequest request, const BodyReceiver* receiver);

    asio::ssl::context& tls_context() {
        if (tls) return *tls;
        tls.emplace(asio::ssl::context::tls_client);
        tls->set_options(asio::ssl::context::default_workarounds);
        SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
        tls->set_verify_mode(asio::ssl::verify_peer);
        error_code error;
        if (settings.ca_file.empty() || settings.system_ca_too) tls->set_default_verify_paths(error);
        if (!settings.ca_file.empty()) {
            tls->load_verify_file(settings.ca_file, error);
            if (error) {
                throw std::runtime_error("api.ca_file: " + settings.ca_file +
                                         " cannot be read as certificates (" + error.message() + ")");
            }
        }
        return *tls;
    }

    std::unique_ptr<Connection> take_idle(const std::string& origin) {
        auto& connections = idle[origin];
        while (!connections.empty()) {
            auto connection = std::move(connections.back());
            connections.pop_back();
            if (Clock::now() - connection->idle_since < kIdleLimit) return connection;
        }
        return nullptr;
    }

    void give_back(const std::string& origin, std::unique_ptr<Connection> connection) {
        auto& connections = idle[origin];
        if (connections.size() >= settings.max_idle) return;
        connection->tcp_layer().expires_never();
        connection->idle_since = Clock::now();
        connections.push_back(std::move(connection));
    }

    bool through_proxy(const Origin& origin) const {
        return settings.proxy && !bypasses_proxy(origin.host, settings.no_proxy);
    }

    Task<std::optional<HttpFailure>> connect(Connection& connection, const Origin& origin) {
        const bool proxied = through_proxy(origin);
        const std::string host = proxied ? settings.proxy->host : origin.host;
        const std::string port = proxied ? settings.proxy->port : origin.port;
        const std::string where = (proxied ? "the proxy " : "") + host + ":" + port;
        error_code error;

        const auto lookup = std::make_shared<Lookup>(runtime);
        ++pending_lookups;
        lookup->resolver.async_resolve(host, port, [lookup](const error_code& result, auto addresses) {
            --pending_lookups;
            lookup->error = result;
            lookup->addresses = std::move(addresses);
            lookup->over.notify();
        });
        looking_up.insert(lookup.get());
        co_await lookup->over.wait_for(settings.connect_timeout);
        looking_up.erase(lookup.get());
        error = cancelled ? asio::error::operation_aborted : lookup->error.value_or(beast::error::timeout);
        if (error) co_return failure(error, "looking up", host);

        beast::tcp_stream& stream = connection.plain;
        stream.expires_after(settings.connect_timeout);
        co_await stream.async_connect(lookup->addresses, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failure(error, "connecting to", where);
        error_code ignored;
        stream.socket().set_option(tcp::no_delay(true), ignored);

        if (origin.scheme != "https") co_return std::nullopt;
        if (proxied) {
            auto refused = co_await open_tunnel(connection, origin, where);
            if (refused) co_return refused;
        }
        co_return co_await start_tls(connection, origin);
    }

    Task<std::optional<HttpFailure>> open_tunnel(Connection& connection, const Origin& origin,
                                                 std::string where) {
        const bool ipv6 = origin.host.find(':') != std::string::npos;
        const std::string target = (ipv6 ? "[" + origin.host + "]" : origin.host) + ":" + origin.port;
        http::request<http::empty_body> request{http::verb::connect, target, 11};
        request.set(http::field::host, target);
        if (!settings.proxy->credentials.empty()) {
            request.set(http::field::proxy_authorization, "Basic " + base64(settings.proxy->credentials));
        }
        error_code error;
        co_await http::async_write(connection.plain, request,
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failure(error, "asking", where);
        http::response_parser<http::empty_body> parser;
        parser.skip(true);
        parser.header_limit(kLongestHead);
        co_await http::async_read_header(connection.plain, connection.buffer, parser,
                                         asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failure(error, "waiting for", where);
        if (parser.get().result_int() / 100 != 2) {
            co_return HttpFailure{
                HttpFailure::Kind::network,
                where + " refuses a tunnel to " + target + ": " + std::to_string(parser.get().result_int())};
        }
        connection.buffer.consume(connection.buffer.size());
        co_return std::nullopt;
    }

    Task<std::optional<HttpFailure>> start_tls(Connection& connection, const Origin& origin) {
        connection.tls.emplace(std::move(connection.plain), tls_context());
        auto& stream = *connection.tls;
        error_code error;
        boost::asio::ip::make_address(origin.host, error);
        if (error)
            SSL_set_tlsext_host_name(stream.native_handle(), origin.host.c_str());  // SNI is for names only
        stream.set_verify_callback(asio::ssl::host_name_verification(origin.host));
        error = {};
        co_await stream.async_handshake(asio::ssl::stream_base::client,
                                        asio::redirect_error(asio::use_awaitable, error));
        if (!error) co_return std::nullopt;
        const std::string where = origin.host + ":" + origin.port;
        const long verdict = SSL_get_verify_result(stream.native_handle());
        if (verdict != X509_V_OK) {
            // The chain is fine and the callback said no: that is the check of the name.
            const std::string why = verdict == X509_V_ERR_UNSPECIFIED
                                        ? "it is for another name"
                                        : X509_verify_cert_error_string(verdict);
            co_return HttpFailure{HttpFailure::Kind::tls,
                                  "the certificate of " + where + " does not verify: " + why};
        }
        if (error.category() == asio::error::get_ssl_category()) {
            co_return HttpFailure{HttpFailure::Kind::tls, "no TLS with " + where + ": " + error.message()};
        }
        co_return failure(error, "starting TLS with", where);
    }

    http::request<http::string_body> compose(const HttpRequest& request, const char* encoding) const {
        const Origin& origin = request.url.origin;
        const bool absolute = origin.scheme == "http" && through_proxy(origin);
        http::request<http::string_body> message;
        message.version(11);
        message.method_string(request.method);
        message.target(absolute ? to_text(origin) + request.url.target : request.url.target);
        const std::string text = to_text(origin);
        message.set(http::field::host, text.substr(text.find("://") + 3));
        message.set(http::field::user_agent, settings.user_agent);
        message.set(http::field::accept_encoding, encoding);
        for (const auto& [name, value] : request.headers) message.set(name, value);
        if (absolute && !settings.proxy->credentials.empty()) {
            message.set(http::field::proxy_authorization, "Basic " + base64(settings.proxy->credentials));
        }
        message.body() = request.body;
        if (!request.body.empty() || request.method != "GET") message.prepare_payload();
        return message;
    }

    template <typename Stream>
    Task<Exchange> talk(Stream& stream, Connection& connection, const HttpRequest& request,
                        const BodyReceiver* receiver) {
        const std::string where = to_text(request.url.origin);
        const auto message = compose(request, receiver ? "identity" : "gzip");
        Exchange exchange;
        error_code error;
        connection.tcp_layer().expires_after(settings.request_timeout);
        HttpResponse response;
        response.sent_at = Clock::now();
        co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            exchange.nothing_received = true;
            exchange.outcome = failure(error, "asking", where);
            co_return exchange;
        }
        http::response_parser<http::empty_body> head;
        head.header_limit(kLongestHead);
        // Told by its Content-Length, a body that is too long is refused with its head.
        if (receiver) {
            head.body_limit(boost::none);
        } else {
            head.body_limit(settings.max_body);
        }
        co_await http::async_read_header(stream, connection.buffer, head,
                                         asio::redirect_error(asio::use_awaitable, error));
        response.received_at = Clock::now();
        if (error) {
            exchange.nothing_received = !head.got_some();
            exchange.outcome = failure(error, "waiting for", where);
            co_return exchange;
        }
        response.status = static_cast<int>(head.get().result_int());
        for (const auto& field : head.get()) {
            response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
        }
        if (receiver && receiver->wants(response)) {
            http::response_parser<http::buffer_body> parser(std::move(head));
            auto failed = co_await receive_pieces(stream, connection, parser, *receiver, where);
            if (failed) {
                exchange.outcome = std::move(*failed);
                co_return exchange;
            }
            exchange.reusable = parser.get().keep_alive() && connection.buffer.size() == 0;
            exchange.outcome = std::move(response);
            co_return exchange;
        }
        http::response_parser<http::string_body> parser(std::move(head));
        parser.body_limit(settings.max_body);
        if (const auto length = parser.content_length(); length && *length <= settings.max_body)
            parser.get().body().reserve(static_cast<std::size_t>(*length) + settings.spare);
        co_await http::async_read(stream, connection.buffer, parser,
                                  asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            exchange.outcome = failure(error, "reading from", where);
            co_return exchange;
        }
        // Bytes behind the response would be taken for the next one's.
        exchange.reusable = parser.get().keep_alive() && connection.buffer.size() == 0;
        response.body = std::move(parser.get().body());
        exchange.outcome = decode(std::move(response), where);
        co_return exchange;
    }

    template <typename Stream>
    Task<std::optional<HttpFailure>> receive_pieces(Stream& stream, Connection& connection,
                                                    http::response_parser<http::buffer_body>& parser,
                                                    const BodyReceiver& receiver, std::string where) {
        parser.body_limit(boost::none);
        while (!parser.is_done()) {
            std::string piece(kReadAtOnce, '\0');
            auto& body = parser.get().body();
            body.data = piece.data();
            body.size = piece.size();
            body.more = true;
            connection.tcp_layer().expires_after(settings.request_timeout);
            error_code error;
            co_await http::async_read(stream, connection.buffer, parser,
                                      asio::redirect_error(asio::use_awaitable, error));
            if (error && error != http::error::need_buffer) co_return failure(error, "reading from", where);
            piece.resize(piece.size() - body.size);
            // A slow disk is not the server's fault.
            connection.tcp_layer().expires_never();
            if (!piece.empty() && !co_await receiver.take(std::move(piece)))
                co_return HttpFailure{HttpFailure::Kind::cancelled, "stopped while reading from " + where};
        }
        co_return std::nullopt;
    }

    HttpOutcome decode(HttpResponse response, const std::string& where) const {
        const std::string encoding = response.header("Content-Encoding");
        if (encoding.empty() || beast::iequals(encoding, "identity") || response.body.empty())
            return response;
        if (!beast::iequals(encoding, "gzip") && !beast::iequals(encoding, "x-gzip") &&
            !beast::iequals(encoding, "deflate")) {
            return HttpFailure{HttpFailure::Kind::response, "the response of " + where + " is encoded as " +
                                                                encoding + ", which was not asked for"};
        }
        std::string why;
        auto body = inflate_body(response.body, settings.max_body, why);
        if (!body) return HttpFailure{HttpFailure::Kind::response, "the response of " + where + " is " + why};
        response.body = std::move(*body);
        return response;
    }
};

HttpClient::HttpClient(Runtime& runtime, HttpSettings settings)
    : impl_(std::make_unique<Impl>(runtime, std::move(settings))) {}
HttpClient::~HttpClient() = default;

Task<HttpOutcome> HttpClient::send(HttpRequest request) {
    co_return co_await impl_->exchange(std::move(request), nullptr);
}

Task<HttpOutcome> HttpClient::receive(HttpRequest request, BodyReceiver receiver) {
    co_return co_await impl_->exchange(std::move(request), &receiver);
}

Task<HttpOutcome> HttpClient::Impl::exchange(HttpRequest request, const BodyReceiver* receiver) {
    const std::string origin = to_text(request.url.origin);
    for (bool fresh = false;; fresh = true) {
        if (cancelled) co_return HttpFailure{HttpFailure::Kind::cancelled, "stopped before asking"};
        std::unique_ptr<Connection> connection;
        // What changes something at the source is not risked on a connection that may be closed already.
        if (!fresh && request.method == "GET") connection = take_idle(origin);
        const bool reused = connection != nullptr;
        if (!connection) connection = std::make_unique<Connection>(runtime.context());
        active.insert(connection.get());
        std::optional<HttpFailure> refused;
        if (!reused) refused = co_await connect(*connection, request.url.origin);
        Exchange exchange;
        if (!refused) {
            if (connection->tls) {
                exchange = co_await talk(*connection->tls, *connection, request, receiver);
            } else {
                exchange = co_await talk(connection->plain, *connection, request, receiver);
            }
        }
        active.erase(connection.get());
        if (refused) {
            if (cancelled) refused->kind = HttpFailure::Kind::cancelled;
            co_return *refused;
        }
        auto* failed = std::get_if<HttpFailure>(&exchange.outcome);
        if (failed) failed->sent = true;
        if (failed && cancelled) failed->kind = HttpFailure::Kind::cancelled;
        const bool stale =
            failed && failed->kind == HttpFailure::Kind::network && reused && exchange.nothing_received;
        // The server had closed the connection before it saw the request.
        if (stale) continue;
        if (!failed && exchange.reusable) give_back(origin, std::move(connection));
        co_return std::move(exchange.outcome);
    }
}

void HttpClient::take_idle(HttpClient& other) {
    impl_->idle = std::exchange(other.impl_->idle, {});
}

bool HttpClient::lookups_under_way() {
    return pending_lookups > 0;
}

void HttpClient::cancel() {
    impl_->cancelled = true;
    for (Connection* connection : impl_->active) connection->tcp_layer().cancel();
    for (Lookup* lookup : impl_->looking_up) lookup->over.notify();
    impl_->idle.clear();
}

}  // namespace glia
