// When a token is minted from an API key, and which token is used meanwhile (DESIGN.md §2, api.auth).
#include "daemon/api/token_source.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace glia {
namespace {

using namespace std::chrono_literals;

/// A source of tokens whose token endpoint is in this process: each request takes a moment.
class MintedTokens : public ::testing::Test {
  protected:
    MintedTokens() {
        std::ofstream(folder_ + "/id") << "key-id";
        std::ofstream(folder_ + "/secret") << "key-secret";
        AuthSettings settings;
        settings.api_key_id_file = folder_ + "/id";
        settings.api_key_secret_file = folder_ + "/secret";
        source_ = make_token_source(runtime_, settings, [this](std::string, std::string) { return mint(); });
    }
    ~MintedTokens() override { std::filesystem::remove_all(folder_); }

    Task<Result<std::string>> mint() {
        ++requests_;
        co_await scope_.sleep(20ms);
        if (endpoint_is_down_) co_return ApiError{ApiError::Kind::unavailable, 503, "HTTP 503"};
        co_return R"({"token":"token)" + std::to_string(requests_) + R"(","expires_in":600})";
    }
    Task<> get(WaitGroup& callers) {
        const auto token = co_await source_->get();
        add_result(token ? token.value() : token.error().message);
        callers.remove();
    }
    Task<> refuse(std::string token, WaitGroup& callers) {
        const bool replaced = co_await source_->refused(token);
        add_result(replaced ? "another" : "none");
        callers.remove();
    }
    void add_result(const std::string& result) { results_ += (results_.empty() ? "" : ", ") + result; }
    /// Three concurrent calls of get(): their results, in the order in which they ended.
    Task<std::string> three_callers() {
        results_.clear();
        WaitGroup callers(runtime_);
        for (int i = 0; i < 3; ++i) {
            callers.add();
            runtime_.spawn(get(callers));
        }
        co_await callers.wait();
        co_return results_;
    }
    /// A token that is due for renewal and expires after `life`.
    void store(std::chrono::milliseconds life) {
        const auto now = std::chrono::steady_clock::now();
        source_->restore(MintedTokenState{"old", now - 1ms, now + life, 0});
    }
    void run(const std::function<Task<int>()>& main) { runtime_.run(main, 10s); }

    std::string folder_ = std::filesystem::temp_directory_path() / "glia-token-XXXXXX";
    bool made_ = ::mkdtemp(folder_.data()) != nullptr;
    Runtime runtime_;
    CancellationScope scope_{runtime_};
    std::unique_ptr<TokenSource> source_;
    std::string results_;
    int requests_ = 0;
    bool endpoint_is_down_ = false;
};

TEST_F(MintedTokens, ConcurrentCallersShareOneRequest) {
    run([&]() -> Task<int> {
        EXPECT_EQ(co_await three_callers(), "token1, token1, token1");
        EXPECT_EQ(requests_, 1);
        co_return 0;
    });
}
TEST_F(MintedTokens, ConcurrentCallersShareOneFailure) {
    run([&]() -> Task<int> {
        endpoint_is_down_ = true;
        EXPECT_EQ(co_await three_callers(), "HTTP 503, HTTP 503, HTTP 503");
        EXPECT_EQ(requests_, 1);
        endpoint_is_down_ = false;
        EXPECT_EQ(co_await three_callers(), "token2, token2, token2");
        co_return 0;
    });
}
TEST_F(MintedTokens, TheOldTokenIsUsedWhileItIsRenewed) {
    store(1h);
    run([&]() -> Task<int> {
        EXPECT_EQ(co_await three_callers(), "old, old, token1");
        EXPECT_EQ(requests_, 1);
        co_return 0;
    });
}
TEST_F(MintedTokens, TheOldTokenIsUsedAfterAFailedRenewalWithoutAnotherRequest) {
    store(1h);
    endpoint_is_down_ = true;
    run([&]() -> Task<int> {
        EXPECT_EQ(co_await three_callers(), "old, old, old");
        EXPECT_EQ(co_await three_callers(), "old, old, old");
        EXPECT_EQ(requests_, 1);
        co_return 0;
    });
}
TEST_F(MintedTokens, AnExpiredTokenIsNotUsed) {
    store(0ms);
    run([&]() -> Task<int> {
        EXPECT_EQ(co_await three_callers(), "token1, token1, token1");
        co_return 0;
    });
}
TEST_F(MintedTokens, CallersWhoseTokenIsRefusedShareOneRequest) {
    store(1h);
    run([&]() -> Task<int> {
        WaitGroup callers(runtime_);
        for (int i = 0; i < 3; ++i) {
            callers.add();
            runtime_.spawn(refuse("old", callers));
        }
        co_await callers.wait();
        EXPECT_EQ(results_, "another, another, another");
        EXPECT_EQ(requests_, 1);
        co_return 0;
    });
}

}  // namespace
}  // namespace glia
