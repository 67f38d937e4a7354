#include "daemon/api/response_reader.hpp"

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>

namespace glia {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

// Bytes. Most servers limit themselves to 8 KiB.
constexpr std::uint32_t kMaxHead = 64 * 1024;
// Allows a server to report progress (102) every second for more than a minute, and stops an endless run.
constexpr int kMaxInterim = 100;

/// A body whose bytes can be taken out while it is still being received. http::string_body would reserve the
/// whole Content-Length at once.
struct CollectedBody {
    using value_type = std::string;
    struct reader {
        template <bool isRequest, class Fields>
        reader(http::header<isRequest, Fields>&, value_type& body) : body_(body) {}
        void init(const boost::optional<std::uint64_t>&, error_code& error) { error = {}; }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& error) {
            error = {};
            for (const auto buffer : beast::buffers_range_ref(buffers))
                body_.append(static_cast<const char*>(buffer.data()), buffer.size());
            return asio::buffer_size(buffers);
        }
        void finish(error_code& error) { error = {}; }
        value_type& body_;
    };
};

}  // namespace

struct ResponseReader::Parser {
    Parser(std::optional<std::uint64_t> max_body, Kind kind) {
        http.skip(kind == Kind::tunnel);
        http.header_limit(kMaxHead);
        // Beast refuses a Content-Length above the limit as soon as the head is complete.
        http.body_limit(max_body ? boost::optional<std::uint64_t>(*max_body) : boost::none);
    }
    http::response_parser<CollectedBody> http;
};

ResponseReader::ResponseReader(std::optional<std::uint64_t> max_body, Kind kind)
    : max_body_(max_body), kind_(kind), parser_(std::make_unique<Parser>(max_body, kind)) {}
ResponseReader::~ResponseReader() = default;

std::size_t ResponseReader::feed(std::string_view bytes) {
    std::size_t used = 0;
    if (!bytes.empty()) received_any_ = true;
    while (used < bytes.size() && (state_ == State::head || state_ == State::body)) {
        error_code error;
        auto& parser = parser_->http;
        used += parser.put(asio::buffer(bytes.data() + used, bytes.size() - used), error);
        if (error == http::error::need_more) break;
        if (error) {
            const bool too_long = error == http::error::body_limit || error == http::error::header_limit ||
                                  error == http::error::buffer_overflow;
            fail(too_long ? Problem::too_long : Problem::not_http, error.message());
            break;
        }
        if (state_ == State::head && parser.is_header_done()) {
            on_head();
            if (state_ != State::head) break;
        } else if (parser.is_done()) {
            state_ = State::done;
        }
    }
    return used;
}

void ResponseReader::on_head() {
    const unsigned status = parser_->http.get().result_int();
    if (status == 101) return fail(Problem::switched, "HTTP 101");
    if (status / 100 == 1) {
        if (++interim_ > kMaxInterim) return fail(Problem::too_long, "interim responses without an end");
        parser_ = std::make_unique<Parser>(max_body_, kind_);
        return;
    }
    state_ = parser_->http.is_done() ? State::done : State::body;
}

void ResponseReader::end() {
    if (state_ != State::head && state_ != State::body) return;
    error_code error = http::error::partial_message;
    if (state_ == State::body) parser_->http.put_eof(error);
    if (error) return fail(Problem::cut, error.message());
    state_ = State::done;
}

void ResponseReader::fail(Problem problem, std::string detail) {
    state_ = State::failed;
    problem_ = problem;
    detail_ = std::move(detail);
}

int ResponseReader::status() const {
    return static_cast<int>(parser_->http.get().result_int());
}

std::vector<std::pair<std::string, std::string>> ResponseReader::headers() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& field : parser_->http.get())
        all.emplace_back(std::string(field.name_string()), std::string(field.value()));
    return all;
}

std::optional<std::uint64_t> ResponseReader::length() const {
    const auto length = parser_->http.content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

void ResponseReader::limit_body(std::uint64_t bytes) {
    if (state_ != State::body) return;
    if (length().value_or(0) > bytes) return fail(Problem::too_long, "the body");
    parser_->http.body_limit(bytes);
}

void ResponseReader::reserve(std::size_t bytes) {
    parser_->http.get().body().reserve(bytes);
}

std::string ResponseReader::take_body() {
    return std::exchange(parser_->http.get().body(), {});
}

bool ResponseReader::keep_alive() const {
    const auto& parser = parser_->http;
    if (state_ != State::done || !parser.keep_alive()) return false;
    // These statuses have no body (RFC 9112 §6.3). If the server announces a body all the same, it may send
    // one, which would be read as the response to the next request.
    const int code = status();
    const bool announced = parser.chunked() || parser.content_length().value_or(0) > 0;
    return !((code == 204 || code == 304) && announced);
}

}  // namespace glia
