// The error that the API layer returns in place of a response.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace glia {

struct ApiError {
    enum class Kind {
        cancelled,      ///< the program stops or reloads
        unavailable,    ///< after all retries: no connection, 408, 425, 429, 5xx, or an unreadable body
        credentials,    ///< no valid token, or 401 and no newer token
        forbidden,      ///< 403
        not_found,      ///< 404, 410
        refused,        ///< another 4xx, or a redirection: the request itself is not accepted
        untrusted_link  ///< next_page names an origin that the token must not be sent to
    };
    Kind kind = Kind::unavailable;
    int status = 0;       ///< of the last response; 0: there was none
    std::string message;  ///< one line for a person: what, where, what to do; free of secrets
};

/// A value or why there is none.
template <typename T>
class Result {
  public:
    Result(T value) : state_(std::move(value)) {}
    Result(ApiError error) : state_(std::move(error)) {}
    explicit operator bool() const { return state_.index() == 0; }
    T& value() { return std::get<0>(state_); }
    const T& value() const { return std::get<0>(state_); }
    ApiError& error() { return std::get<1>(state_); }
    const ApiError& error() const { return std::get<1>(state_); }

  private:
    std::variant<T, ApiError> state_;
};

}  // namespace glia
