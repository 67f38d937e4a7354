#include "daemon/sync/exit_status.hpp"

namespace glia {

int exit_code(ExitReason reason) {
    switch (reason) {
        case ExitReason::done:
            return 0;
        case ExitReason::rejected:
            return 65;
        case ExitReason::stopped:
            return 75;
        case ExitReason::unavailable:
            return 69;
        case ExitReason::credentials:
            return 77;
        case ExitReason::misconfigured:
            return 78;
    }
    return 70;
}

ExitReason exit_reason_of(const ApiError& error) {
    switch (error.kind) {
        case ApiError::Kind::cancelled:
            return ExitReason::stopped;
        case ApiError::Kind::unavailable:
            return ExitReason::unavailable;
        case ApiError::Kind::credentials:
        case ApiError::Kind::forbidden:
            return ExitReason::credentials;
        case ApiError::Kind::not_found:
        case ApiError::Kind::refused:
        case ApiError::Kind::untrusted_link:
            return ExitReason::misconfigured;
    }
    return ExitReason::unavailable;
}

ExitReason exit_reason_of(const SinkError& error) {
    switch (error.kind()) {
        case SinkError::Kind::unavailable:
            return ExitReason::unavailable;
        case SinkError::Kind::lease_lost:
            return ExitReason::stopped;
        case SinkError::Kind::misconfigured:
        case SinkError::Kind::denied:
        case SinkError::Kind::schema:
            return ExitReason::misconfigured;
        case SinkError::Kind::internal:
            return ExitReason::unavailable;
    }
    return ExitReason::unavailable;
}

}  // namespace glia
