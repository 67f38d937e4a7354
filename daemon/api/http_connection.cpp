#include "daemon/api/http_connection.hpp"

#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cerrno>

#include "daemon/api/content_coding.hpp"
#include "daemon/api/response_reader.hpp"
#include "daemon/base/http_bytes.hpp"
#include "daemon/parse/error_text.hpp"

namespace glia {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;
using Clock = std::chrono::steady_clock;

// Bytes per read. At least the longest head that ResponseReader accepts.
constexpr std::size_t kReadAtOnce = std::size_t{64} * 1024;

HttpFailure failure(const error_code& error, const std::string& doing, const std::string& where) {
    if (error == asio::error::operation_aborted)
        return {HttpFailure::Kind::cancelled, "stopped while " + doing};
    if (error == beast::error::timeout)
        return {.kind = HttpFailure::Kind::network,
                .message = "timed out while " + doing + " " + where,
                .timed_out = true};
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
        return {HttpFailure::Kind::network, "the connection was cut while " + doing + " " + where};
    return {HttpFailure::Kind::network, doing + " " + where + " failed: " + error.message()};
}

HttpFailure failure(const ResponseReader& reader, const std::string& doing, const std::string& where) {
    switch (reader.problem()) {
        case ResponseReader::Problem::too_long:
            return {HttpFailure::Kind::response,
                    "the response of " + where + " is larger than glia-sync accepts"};
        case ResponseReader::Problem::cut:
            return {HttpFailure::Kind::network, "the connection was cut while " + doing + " " + where};
        case ResponseReader::Problem::switched:
            return {HttpFailure::Kind::response,
                    where + " switches to another protocol (HTTP 101), which was not asked for"};
        case ResponseReader::Problem::not_http:
            break;
    }
    return {HttpFailure::Kind::response, "the answer of " + where + " is not HTTP: " + reader.detail()};
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

struct HttpConnector::Tls {
    explicit Tls(const HttpSettings& settings) : context(asio::ssl::context::tls_client) {
        context.set_options(asio::ssl::context::default_workarounds);
        SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
        context.set_verify_mode(asio::ssl::verify_peer);
        error_code error;
        if (settings.ca_file.empty() || settings.system_ca_too) context.set_default_verify_paths(error);
        if (settings.ca_file.empty()) return;
        context.load_verify_file(settings.ca_file, error);
        if (error)
            throw std::runtime_error("api.ca_file: " + settings.ca_file +
                                     " cannot be read as certificates (" + error.message() + ")");
    }
    asio::ssl::context context;
};

HttpConnector::HttpConnector(Runtime& runtime, HttpSettings settings)
    : settings_(std::move(settings)), dialer_(runtime) {
    if (!settings_.ca_file.empty()) tls();  // reports an unreadable file at the start
}
HttpConnector::~HttpConnector() = default;

HttpConnector::Tls& HttpConnector::tls() {
    if (!tls_) tls_ = std::make_unique<Tls>(settings_);
    return *tls_;
}

bool HttpConnector::through_proxy(const Origin& origin) const {
    return settings_.proxy && !bypasses_proxy(origin.host, settings_.no_proxy);
}

struct HttpConnection::Impl {
    explicit Impl(Runtime& runtime) : plain(runtime.context()) { buffer.reserve(kReadAtOnce); }

    HttpConnector* connector = nullptr;  // used by the call under way
    beast::tcp_stream plain;
    std::optional<beast::ssl_stream<beast::tcp_stream>> tls;
    beast::flat_buffer buffer;

    const HttpSettings& settings() const { return connector->settings(); }
    beast::tcp_stream& tcp_layer() { return tls ? tls->next_layer() : plain; }

    Task<std::optional<HttpFailure>> open(const Origin& origin) {
        const bool proxied = connector->through_proxy(origin);
        const std::string host = proxied ? settings().proxy->host : origin.host;
        const std::string port = proxied ? settings().proxy->port : origin.port;
        const std::string where = (proxied ? "the proxy " : "") + host + ":" + port;
        const auto deadline = Clock::now() + settings().connect_timeout;

        DialOutcome dialed = co_await connector->dialer_.dial(host, port, deadline);
        if (auto* failed = std::get_if<HttpFailure>(&dialed)) co_return std::move(*failed);
        const DialedSocket socket = std::get<DialedSocket>(dialed);
        beast::tcp_stream& stream = plain;
        error_code error;
        stream.socket().assign(socket.ipv6 ? tcp::v6() : tcp::v4(), socket.descriptor, error);
        if (error) {
            close(socket.descriptor);
            co_return failure(error, "connecting to", where);
        }
        stream.expires_at(deadline);
        error_code ignored;
        stream.socket().set_option(tcp::no_delay(true), ignored);

        if (origin.scheme != "https") co_return std::nullopt;
        if (proxied) {
            auto refused = co_await open_tunnel(origin, where);
            if (refused) co_return refused;
        }
        co_return co_await start_tls(origin);
    }

    Task<std::optional<HttpFailure>> open_tunnel(const Origin& origin, std::string where) {
        const bool ipv6 = origin.host.find(':') != std::string::npos;
        const std::string target = (ipv6 ? "[" + origin.host + "]" : origin.host) + ":" + origin.port;
        http::request<http::empty_body> request{http::verb::connect, target, 11};
        request.set(http::field::host, target);
        if (!settings().proxy->credentials.empty()) {
            request.set(http::field::proxy_authorization, "Basic " + base64(settings().proxy->credentials));
        }
        error_code error;
        const std::string bytes = bytes_of(request);
        co_await asio::async_write(plain, asio::buffer(bytes),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failure(error, "asking", where);
        ResponseReader reader(std::nullopt, ResponseReader::Kind::tunnel);
        auto failed = co_await read_while(ResponseReader::State::head, plain, reader, "waiting for", where);
        if (failed) co_return failed;
        if (reader.status() / 100 != 2) {
            co_return HttpFailure{HttpFailure::Kind::network, where + " refuses a tunnel to " + target +
                                                                  ": " + std::to_string(reader.status())};
        }
        // In TLS the client speaks first.
        if (buffer.size() > 0) {
            co_return HttpFailure{HttpFailure::Kind::response,
                                  where + " sends data before the tunnel to " + target + " is used"};
        }
        co_return std::nullopt;
    }

    /// Reads until the response leaves `state`: until its head, or all of it, has arrived.
    template <typename Stream>
    Task<std::optional<HttpFailure>> read_while(ResponseReader::State state, Stream& stream,
                                                ResponseReader& reader, const char* doing,
                                                const std::string& where) {
        while (reader.state() == state) {
            auto failed = co_await read_some(stream, reader, doing, where);
            if (failed) co_return failed;
        }
        co_return std::nullopt;
    }

    /// Passes buffered bytes to the reader; reads from the socket if there are none or the reader needs more.
    template <typename Stream>
    Task<std::optional<HttpFailure>> read_some(Stream& stream, ResponseReader& reader, const char* doing,
                                               const std::string& where) {
        const auto hand_in = [&] {
            const auto bytes = buffer.cdata();
            const std::size_t used = reader.feed({static_cast<const char*>(bytes.data()), bytes.size()});
            buffer.consume(used);
            return used > 0;
        };
        if (buffer.size() == 0 || !hand_in()) {
            if (buffer.size() >= kReadAtOnce) {
                co_return HttpFailure{HttpFailure::Kind::response,
                                      "the response of " + where + " is larger than glia-sync accepts"};
            }
            error_code error;
            const std::size_t count =
                co_await stream.async_read_some(buffer.prepare(kReadAtOnce - buffer.size()),
                                                asio::redirect_error(asio::use_awaitable, error));
            buffer.commit(count);
            if (count > 0) hand_in();
            if (error == asio::error::eof) {
                reader.end();
            } else if (error) {
                co_return failure(error, doing, where);
            }
        }
        if (reader.state() == ResponseReader::State::failed) co_return failure(reader, doing, where);
        co_return std::nullopt;
    }

    Task<std::optional<HttpFailure>> start_tls(const Origin& origin) {
        tls.emplace(std::move(plain), connector->tls().context);
        auto& stream = *tls;
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
            // X509_V_ERR_UNSPECIFIED: the chain has no error, so the check of the host name in the callback
            // failed.
            const std::string why = verdict == X509_V_ERR_UNSPECIFIED
                                        ? "it is for another name"
                                        : X509_verify_cert_error_string(verdict);
            co_return HttpFailure{HttpFailure::Kind::tls,
                                  "the certificate of " + where + " does not verify: " + why};
        }
        if (error.category() == asio::error::get_ssl_category()) {
            co_return HttpFailure{HttpFailure::Kind::tls,
                                  "TLS with " + where + " failed: " + error.message()};
        }
        co_return failure(error, "starting TLS with", where);
    }

    http::request<http::string_body> compose(const HttpRequest& request, const char* encoding) const {
        const Origin& origin = request.url.origin;
        const bool absolute = origin.scheme == "http" && connector->through_proxy(origin);
        http::request<http::string_body> message;
        message.version(11);
        message.method_string(request.method);
        message.target(absolute ? to_text(origin) + request.url.target : request.url.target);
        const std::string text = to_text(origin);
        message.set(http::field::host, text.substr(text.find("://") + 3));
        message.set(http::field::user_agent, settings().user_agent);
        message.set(http::field::accept_encoding, encoding);
        for (const auto& [name, value] : request.headers) message.set(name, value);
        if (absolute && !settings().proxy->credentials.empty()) {
            message.set(http::field::proxy_authorization, "Basic " + base64(settings().proxy->credentials));
        }
        message.body() = request.body;
        if (!request.body.empty() || request.method != "GET") message.prepare_payload();
        return message;
    }

    template <typename Stream>
    Task<Exchange> talk(Stream& stream, const HttpRequest& request, const BodyReceiver* receiver) {
        const std::string where = to_text(request.url.origin);
        const std::string bytes = bytes_of(compose(request, receiver ? "identity" : "gzip"));
        Exchange exchange;
        error_code error;
        tcp_layer().expires_after(settings().request_timeout);
        HttpResponse response;
        response.sent_at = Clock::now();
        co_await asio::async_write(stream, asio::buffer(bytes),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            exchange.nothing_received = true;
            exchange.outcome = failure(error, "asking", where);
            co_return exchange;
        }
        using State = ResponseReader::State;
        ResponseReader reader(receiver ? std::nullopt : std::optional<std::uint64_t>(settings().max_body));
        auto failed = co_await read_while(State::head, stream, reader, "waiting for", where);
        response.received_at = Clock::now();
        if (failed) {
            exchange.nothing_received = !reader.received_any();
            exchange.outcome = std::move(*failed);
            co_return exchange;
        }
        response.status = reader.status();
        response.headers = reader.headers();
        if (receiver && receiver->wants(response)) {
            failed = co_await receive_pieces(stream, reader, *receiver, where);
        } else {
            reader.limit_body(settings().max_body);
            if (const auto length = reader.length().value_or(0); length > 0 && length <= settings().max_body)
                reader.reserve(static_cast<std::size_t>(length) + settings().spare);
            failed = co_await read_while(State::body, stream, reader, "reading from", where);
            if (!failed && reader.state() == State::failed) failed = failure(reader, "reading from", where);
            if (!failed) response.body = reader.take_body();
        }
        // Bytes after the response would be read as the start of the next one.
        exchange.reusable = !failed && reader.keep_alive() && buffer.size() == 0;
        if (!failed) failed = decode(response, where);
        if (failed) {
            exchange.outcome = std::move(*failed);
        } else {
            exchange.outcome = std::move(response);
        }
        co_return exchange;
    }

    template <typename Stream>
    Task<std::optional<HttpFailure>> receive_pieces(Stream& stream, ResponseReader& reader,
                                                    const BodyReceiver& receiver, const std::string& where) {
        while (reader.state() == ResponseReader::State::body) {
            tcp_layer().expires_after(settings().request_timeout);
            auto failed = co_await read_some(stream, reader, "reading from", where);
            if (failed) co_return failed;
            // The time limit applies to the server only, not to the receiver, which may write to a slow disk.
            tcp_layer().expires_never();
            std::string piece = reader.take_body();
            if (!piece.empty() && !co_await receiver.take(std::move(piece)))
                co_return HttpFailure{HttpFailure::Kind::cancelled, "stopped while reading from " + where};
        }
        co_return std::nullopt;
    }

    static std::string content_coding_list(const HttpResponse& response) {
        std::string list;
        for (const auto& [name, value] : response.headers) {
            if (beast::iequals(name, "Content-Encoding")) list += value + ",";
        }
        return list;
    }

    std::optional<HttpFailure> decode(HttpResponse& response, const std::string& where) const {
        std::string why;
        const auto codings = content_codings(content_coding_list(response));
        if (decode_body(response.body, codings, settings().max_body, why)) return std::nullopt;
        if (response.status / 100 != 2) {  // the status says enough
            response.body.clear();
            return std::nullopt;
        }
        return HttpFailure{HttpFailure::Kind::response, "the response of " + where + " is " + one_line(why)};
    }
};

HttpConnection::HttpConnection(Runtime& runtime) : impl_(std::make_unique<Impl>(runtime)) {}
HttpConnection::~HttpConnection() = default;

Task<std::optional<HttpFailure>> HttpConnection::open(HttpConnector& connector, Origin origin) {
    impl_->connector = &connector;
    co_return co_await impl_->open(origin);
}

Task<Exchange> HttpConnection::exchange(HttpConnector& connector, const HttpRequest& request,
                                        const BodyReceiver* receiver) {
    impl_->connector = &connector;
    if (impl_->tls) co_return co_await impl_->talk(*impl_->tls, request, receiver);
    co_return co_await impl_->talk(impl_->plain, request, receiver);
}

void HttpConnection::cancel() {
    impl_->tcp_layer().cancel();
}

void HttpConnection::start_idling() {
    impl_->tcp_layer().expires_never();
    idle_since_ = Clock::now();
}

bool HttpConnection::is_quiet() const {
    if (impl_->buffer.size() > 0) return false;
    if (impl_->tls) {
        SSL* const ssl = impl_->tls->native_handle();
        if (SSL_has_pending(ssl) != 0 || BIO_ctrl_pending(SSL_get_rbio(ssl)) > 0) return false;
    }
    char byte = 0;
    const int socket = impl_->tcp_layer().socket().native_handle();
    return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace glia
