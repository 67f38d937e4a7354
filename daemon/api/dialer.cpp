#include "daemon/api/dialer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <set>

#include "sinks/durations.hpp"

namespace glia {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// Bounds the sockets of one dial. No service has more addresses under one name.
constexpr std::size_t kMaxAddresses = 16;

// Lookups whose resolver thread has not finished. Loop's thread only.
int pending_lookups = 0;

/// A name lookup under way. The system's resolver blocks an Asio thread and takes no deadline. At the
/// deadline the caller stops waiting, and a later result is dropped.
struct Lookup {
    explicit Lookup(Runtime& runtime) : resolver(runtime.context()), changed(runtime) {}
    tcp::resolver resolver;
    AsyncCondition changed;
    std::optional<error_code> error;
    tcp::resolver::results_type found;
};

/// Concurrent attempts to connect. Their handlers keep it alive.
struct Race {
    explicit Race(Runtime& runtime) : changed(runtime) {}
    AsyncCondition changed;
    std::vector<tcp::socket> sockets;
    std::optional<std::size_t> winner;
    std::size_t failures = 0;
    error_code error;  // of the attempt that failed last
};

Milliseconds until(Clock::time_point moment) {
    return std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(moment - Clock::now()));
}

HttpFailure timed_out(const std::string& doing) {
    return {HttpFailure::Kind::network, "timed out while " + doing};
}

HttpFailure failed(const std::string& doing, const error_code& error) {
    return {HttpFailure::Kind::network, doing + " failed: " + error.message()};
}

}  // namespace

struct Dialer::Impl {
    explicit Impl(Runtime& loop) : runtime(loop) {}
    Runtime& runtime;
    std::set<AsyncCondition*> waiting;
    bool cancelled = false;

    Task<> wait(AsyncCondition& condition, Milliseconds limit) {
        waiting.insert(&condition);
        co_await condition.wait_for(limit);
        waiting.erase(&condition);
    }

    static void start(const std::shared_ptr<Race>& race, asio::io_context& context, const SocketAddress& to) {
        const std::size_t number = race->sockets.size();
        tcp::socket& socket = race->sockets.emplace_back(context);
        error_code error;
        const tcp::endpoint endpoint(asio::ip::make_address(to.ip, error), to.port);
        socket.async_connect(endpoint, [race, number](const error_code& result) {
            if (race->winner) return;
            if (result) {
                ++race->failures;
                race->error = result;
            } else {
                race->winner = number;
            }
            race->changed.notify();
        });
    }
};

Dialer::Dialer(Runtime& runtime) : impl_(std::make_unique<Impl>(runtime)) {}
Dialer::~Dialer() = default;

Task<DialOutcome> Dialer::dial(std::string host, std::string port, Time deadline) {
    const std::string doing = "looking up " + host;
    const auto lookup = std::make_shared<Lookup>(impl_->runtime);
    ++pending_lookups;
    lookup->resolver.async_resolve(host, port, [lookup](const error_code& result, auto found) {
        --pending_lookups;
        lookup->error = result;
        lookup->found = std::move(found);
        lookup->changed.notify();
    });
    co_await impl_->wait(lookup->changed, until(deadline));
    if (impl_->cancelled) co_return HttpFailure{HttpFailure::Kind::cancelled, "stopped while " + doing};
    if (!lookup->error) co_return timed_out(doing);
    if (*lookup->error) co_return failed(doing, *lookup->error);

    std::vector<SocketAddress> found;
    std::vector<bool> is_ipv6;
    for (const auto& entry : lookup->found) {
        found.push_back({entry.endpoint().address().to_string(), entry.endpoint().port()});
        is_ipv6.push_back(entry.endpoint().address().is_v6());
    }
    std::vector<SocketAddress> addresses;
    for (const std::size_t index : interleave_families(is_ipv6)) {
        if (addresses.size() < kMaxAddresses) addresses.push_back(found[index]);
    }
    co_return co_await dial_addresses(std::move(addresses), host + ":" + port, deadline);
}

Task<DialOutcome> Dialer::dial_addresses(std::vector<SocketAddress> addresses, std::string where,
                                         Time deadline) {
    const std::string doing = "connecting to " + where;
    const auto race = std::make_shared<Race>(impl_->runtime);
    race->sockets.reserve(addresses.size());  // no reallocation: it would move sockets that are connecting
    ConnectSchedule schedule(addresses.size(), Clock::now(), deadline);
    std::size_t failures_reported = 0;
    DialOutcome outcome;
    for (bool over = false; !over;) {
        if (impl_->cancelled) {
            outcome = HttpFailure{HttpFailure::Kind::cancelled, "stopped while " + doing};
            break;
        }
        if (race->winner) {
            const bool ipv6 = addresses[*race->winner].ip.find(':') != std::string::npos;
            outcome = DialedSocket{race->sockets[*race->winner].release(), ipv6};
            break;
        }
        for (; failures_reported < race->failures; ++failures_reported) schedule.on_failure();
        const ConnectSchedule::Action action = schedule.next(Clock::now());
        if (const auto* attempt = std::get_if<ConnectSchedule::Start>(&action)) {
            Impl::start(race, impl_->runtime.context(), addresses[attempt->attempt]);
        } else if (const auto* pause = std::get_if<ConnectSchedule::Wait>(&action)) {
            co_await impl_->wait(race->changed, until(pause->until));
        } else {
            outcome = std::get<ConnectSchedule::GiveUp>(action).timed_out ? timed_out(doing)
                                                                          : failed(doing, race->error);
            over = true;
        }
    }
    for (tcp::socket& socket : race->sockets) {
        error_code ignored;
        if (socket.is_open()) socket.close(ignored);
    }
    co_return outcome;
}

void Dialer::cancel() {
    impl_->cancelled = true;
    for (AsyncCondition* condition : impl_->waiting) condition->notify();
}

bool Dialer::lookups_under_way() {
    return pending_lookups > 0;
}

}  // namespace glia
