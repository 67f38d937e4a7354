// The answer to one HTTP request, read from bytes: no I/O, so that tests and fuzzers feed it directly.
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

/// Parses one HTTP/1 response. Interim answers (1xx, RFC 9110 §15.2) before it are skipped; 101 is an error
/// because no request of ours offers an upgrade.
class ResponseReader {
  public:
    enum class State {
        head,   ///< the head has not come to its end
        body,   ///< the head is complete, the body is not
        done,   ///< all of the answer has come
        failed  ///< problem() says why
    };
    enum class Problem {
        too_long,  ///< the head or the body exceeds its limit, or interim answers never end
        cut,       ///< the connection ended before the answer did
        not_http,  ///< the bytes are no HTTP/1 response; detail() says more
        switched   ///< 101: the server changes to a protocol that nobody asked for
    };
    /// The answer to CONNECT has no body: what follows its head belongs to the tunnel.
    enum class Kind { answer, tunnel };

    /// `max_body` in bytes; none: no limit, for a body that is taken piece by piece.
    explicit ResponseReader(std::optional<std::uint64_t> max_body, Kind kind = Kind::answer);
    ~ResponseReader();

    /// Reads from `bytes` and returns how many it has used. Stops at the end of the head, and at the end of
    /// the answer. An unfinished head must be handed in again, with more bytes behind it.
    std::size_t put(std::string_view bytes);
    /// The server has closed its side.
    void end();

    State state() const { return state_; }
    Problem problem() const { return problem_; }
    const std::string& detail() const { return detail_; }
    /// True once any byte has come, be it of an interim answer.
    bool got_some() const { return got_some_; }

    /// From the end of the head on.
    int status() const;
    std::vector<std::pair<std::string, std::string>> headers() const;
    /// Content-Length, in bytes.
    std::optional<std::uint64_t> length() const;
    /// Limits a body of which nothing has been read; one that is longer by its Content-Length fails.
    void limit_body(std::uint64_t bytes);
    /// Makes room for a body of that many bytes.
    void reserve(std::size_t bytes);
    /// The bytes of the body that have come since the last call.
    std::string take_body();
    /// True if the connection can carry another request: the server keeps it open and the end of the answer
    /// is certain. The caller checks that nothing came behind the answer.
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
    bool got_some_ = false;
    int interim_ = 0;
};

}  // namespace glia
