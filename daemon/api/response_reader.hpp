// Parses the response to one HTTP request from bytes. No I/O, so that tests and fuzzers can feed it directly.
// By hand: a layer over Beast's parser, which treats an interim response as the final one, and whose string
// body reserves the whole Content-Length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace glia {

/// Parses one HTTP/1 response. Interim responses (1xx, RFC 9110 §15.2) before it are skipped; 101 is an error
/// because no request of ours offers an upgrade.
class ResponseReader {
  public:
    enum class State {
        head,   ///< the head is incomplete
        body,   ///< the head is complete, the body is not
        done,   ///< the response is complete
        failed  ///< problem() says why
    };
    enum class Problem {
        too_long,  ///< the head or the body exceeds its limit, or interim responses never end
        cut,       ///< the connection ended before the response was complete
        not_http,  ///< the bytes are no HTTP/1 response; detail() says more
        switched   ///< 101: the server switches to a protocol that was not requested
    };
    /// `tunnel` is the response to CONNECT. It has no body: what follows its head belongs to the tunnel.
    enum class Kind { response, tunnel };

    /// `max_body` in bytes; none: no limit, for a body that is streamed.
    explicit ResponseReader(std::optional<std::uint64_t> max_body, Kind kind = Kind::response);
    ~ResponseReader();

    /// Parses `bytes` and returns the number of bytes consumed. Stops at the end of the head and at the end
    /// of the response. An incomplete head is not consumed: call again with the same bytes and more.
    std::size_t feed(std::string_view bytes);
    /// The server has closed its side.
    void end();

    State state() const { return state_; }
    Problem problem() const { return problem_; }
    const std::string& detail() const { return detail_; }
    /// True once any byte was received, also of an interim response.
    bool received_any() const { return received_any_; }

    /// Valid once the head is complete.
    int status() const;
    std::vector<std::pair<std::string, std::string>> headers() const;
    /// Content-Length, in bytes.
    std::optional<std::uint64_t> length() const;
    /// Sets the body's limit; call it before any of the body is read. Fails if Content-Length exceeds it.
    void limit_body(std::uint64_t bytes);
    /// Reserves memory for a body of that many bytes.
    void reserve(std::size_t bytes);
    /// Returns the bytes of the body received since the last call.
    std::string take_body();
    /// True if the connection can carry another request: the server keeps it open and the response's end is
    /// certain. The caller checks that no byte follows the response.
    bool keep_alive() const;

  private:
    struct Parser;
    void on_head();
    void fail(Problem problem, std::string detail);

    std::optional<std::uint64_t> max_body_;
    Kind kind_;
    std::unique_ptr<Parser> parser_;
    State state_ = State::head;
    Problem problem_ = Problem::not_http;
    std::string detail_;
    bool received_any_ = false;
    int interim_ = 0;
};

}  // namespace glia
