// `rate_limit: auto`, which finds an undocumented limit, against models of how an API counts, in virtual
// time.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "daemon/api/rate_limiter.hpp"

namespace glia {
namespace {

using namespace std::chrono_literals;
using Time = RateLimiter::Time;
using Duration = RateLimiter::Duration;

/// How an API decides whether one more request is too many.
class Counter {
  public:
    virtual ~Counter() = default;
    virtual bool admits(Time now, double limit) = 0;
};

/// Admits `limit` requests in each second of its clock.
class FixedWindow final : public Counter {
  public:
    bool admits(Time now, double limit) override {
        const auto second = std::chrono::floor<std::chrono::seconds>(now + 137ms);
        if (second != second_) count_ = 0;
        second_ = second;
        return ++count_ <= limit;
    }

  private:
    std::chrono::time_point<Time::clock, std::chrono::seconds> second_{};
    int count_ = 0;
};

/// Admits `limit` requests in any second; refused ones do not count.
class SlidingWindow final : public Counter {
  public:
    bool admits(Time now, double limit) override {
        while (!times_.empty() && now - times_.front() >= 1s) times_.pop_front();
        if (static_cast<double>(times_.size()) >= limit) return false;
        times_.push_back(now);
        return true;
    }

  private:
    std::deque<Time> times_;
};

/// A bucket that holds one second's worth and fills evenly.
class TokenBucket final : public Counter {
  public:
    bool admits(Time now, double limit) override {
        if (!last_) tokens_ = limit;
        if (last_)
            tokens_ = std::min(limit, tokens_ + limit * std::chrono::duration<double>(now - *last_).count());
        last_ = now;
        if (tokens_ < 1) return false;
        tokens_ -= 1;
        return true;
    }

  private:
    std::optional<Time> last_;
    double tokens_ = 0;
};

struct RequestCounts {
    int sent = 0;
    int refused = 0;
};

/// Sends as fast as the limiter allows, with at most eight requests in flight and responses after 50 ms.
class Client {
  public:
    Client(std::unique_ptr<Counter> counter, std::optional<Duration> retry_after)
        : counter_(std::move(counter)), retry_after_(retry_after) {}

    /// Continues for `span` under `limit`; returns how many requests were sent and refused in that time.
    RequestCounts run(double limit, std::chrono::seconds span) {
        RequestCounts counts;
        const Time end = now_ + span;
        while (now_ < end) {
            const Time next_response = responses_.empty() ? Time::max() : responses_.front().first;
            const Time next_send = responses_.size() < 8 ? limiter_.next(now_) : Time::max();
            now_ = std::min(next_response, next_send);
            if (next_response <= next_send) {
                const bool accepted = responses_.front().second;
                responses_.pop_front();
                accepted ? limiter_.accepted(now_) : limiter_.refused(now_, retry_after_);
                continue;
            }
            limiter_.sent(now_);
            const bool accepted = counter_->admits(now_ + 25ms, limit);
            responses_.emplace_back(now_ + 50ms, accepted);
            ++counts.sent;
            if (!accepted) ++counts.refused;
        }
        return counts;
    }

  private:
    std::unique_ptr<Counter> counter_;
    std::optional<Duration> retry_after_;
    RateLimiter limiter_{std::nullopt};
    Time now_{1h};
    std::deque<std::pair<Time, bool>> responses_;
};

struct Case {
    const char* name;
    std::function<std::unique_ptr<Counter>()> counter;
    std::optional<Duration> retry_after;
};

class AutoRate : public testing::TestWithParam<Case> {};

double used(const RequestCounts& counts, double limit, std::chrono::seconds span) {
    return (counts.sent - counts.refused) / (limit * static_cast<double>(span.count()));
}

TEST_P(AutoRate, FindsNinePartsOfTenWithinAMinuteAndKeepsThem) {
    for (const double limit : {4, 10, 20, 35}) {
        Client client(GetParam().counter(), GetParam().retry_after);
        const RequestCounts first = client.run(limit, 60s);
        const RequestCounts later = client.run(limit, 300s);
        EXPECT_GE(used(later, limit, 300s), 0.9) << limit;
        EXPECT_LT(later.refused, 0.02 * later.sent) << limit;
        EXPECT_LT(first.refused + later.refused, 0.02 * (first.sent + later.sent)) << limit;
    }
}
TEST_P(AutoRate, FollowsALimitThatIsHalved) {
    for (const double limit : {10, 20, 40}) {
        Client client(GetParam().counter(), GetParam().retry_after);
        const RequestCounts before = client.run(limit, 180s);
        const RequestCounts during = client.run(limit / 2, 60s);
        const RequestCounts after = client.run(limit / 2, 120s);
        EXPECT_GE(used(after, limit / 2, 120s), 0.9) << limit;
        EXPECT_LT(before.refused + during.refused + after.refused,
                  0.02 * (before.sent + during.sent + after.sent))
            << limit;
    }
}
TEST_P(AutoRate, FollowsALimitThatIsDoubled) {
    for (const double limit : {5, 10, 20}) {
        Client client(GetParam().counter(), GetParam().retry_after);
        client.run(limit, 180s);
        client.run(2 * limit, 60s);
        const RequestCounts after = client.run(2 * limit, 120s);
        EXPECT_GE(used(after, 2 * limit, 120s), 0.9) << limit;
        EXPECT_LT(after.refused, 0.02 * after.sent) << limit;
    }
}
TEST_P(AutoRate, UsesItsHighestRateWhereNothingIsRefused) {
    Client client(GetParam().counter(), GetParam().retry_after);
    client.run(1000, 10s);
    const RequestCounts later = client.run(1000, 60s);
    EXPECT_GE(later.sent, 0.98 * RateLimiter::kHighestAuto * 60);
    EXPECT_EQ(later.refused, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Counters, AutoRate,
    testing::Values(Case{"fixed_window", [] { return std::make_unique<FixedWindow>(); }, std::nullopt},
                    Case{"fixed_window_with_retry_after", [] { return std::make_unique<FixedWindow>(); }, 1s},
                    Case{"sliding_window", [] { return std::make_unique<SlidingWindow>(); }, std::nullopt},
                    Case{"token_bucket", [] { return std::make_unique<TokenBucket>(); }, std::nullopt},
                    Case{"token_bucket_with_retry_after", [] { return std::make_unique<TokenBucket>(); },
                         1s}),
    [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace glia
