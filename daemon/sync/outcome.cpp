#include "daemon/sync/outcome.hpp"

namespace glia {

int exit_code(Ending ending) {
    switch (ending) {
        case Ending::done:
            return 0;
        case Ending::rejected:
            return 65;
        case Ending::stopped:
            return 75;
        case Ending::unavailable:
            return 69;
        case Ending::credentials:
            return 77;
        case Ending::misconfigured:
            return 78;
    }
    return 70;
}

Ending ending_of(const ApiError& error) {
    switch (error.kind) {
        case ApiError::Kind::cancelled:
            return Ending::stopped;
        case ApiError::Kind::unavailable:
            return Ending::unavailable;
        case ApiError::Kind::credentials:
        case ApiError::Kind::forbidden:
            return Ending::credentials;
        case ApiError::Kind::not_found:
        case ApiError::Kind::refused:
        case ApiError::Kind::untrusted_link:
            return Ending::misconfigured;
    }
    return Ending::unavailable;
}

Ending ending_of(const SinkError& error) {
    switch (error.kind()) {
        case SinkError::Kind::unavailable:
            return Ending::unavailable;
        case SinkError::Kind::lease_lost:
            return Ending::stopped;
        case SinkError::Kind::misconfigured:
        case SinkError::Kind::denied:
        case SinkError::Kind::schema:
            return Ending::misconfigured;
        case SinkError::Kind::internal:
            return Ending::unavailable;
    }
    return Ending::unavailable;
}

}  // namespace glia
