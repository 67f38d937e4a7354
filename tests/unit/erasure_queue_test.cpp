// The order in which erasures take turns.
#include "daemon/sync/erasure_queue.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

const ErasureOrder kLong{"visitor", "long", ""}, kShort{"engagement", "short", ""},
    kBad{"visitor", "bad", ""};

std::string turn(const ErasureQueue& queue) {
    const auto order = queue.next();
    return order ? order->id : "over";
}

TEST(ErasureQueue, ALongErasureDoesNotHoldUpTheNext) {
    ErasureQueue queue;
    queue.begin({kLong, kShort});
    EXPECT_EQ(turn(queue), "long");
    queue.on_step({{}, false, "next"});
    EXPECT_EQ(turn(queue), "short");
    queue.on_step({});
    EXPECT_EQ(turn(queue), "long");
    EXPECT_EQ(queue.next()->cursor, "next") << "it goes on where it stopped";
    queue.on_step({});
    EXPECT_EQ(turn(queue), "over");
}
TEST(ErasureQueue, AnErasureThatFailsIsPassedOver) {
    ErasureQueue queue;
    queue.begin({kBad, kShort});
    queue.on_failure();
    EXPECT_EQ(turn(queue), "short");
    queue.on_step({});
    EXPECT_EQ(turn(queue), "over");
}
TEST(ErasureQueue, WhatFailedComesLastInTheNextRound) {
    ErasureQueue queue;
    queue.begin({kBad, kShort});
    queue.on_failure();
    queue.begin({kBad, kShort});
    EXPECT_EQ(turn(queue), "short");
    queue.on_step({});
    EXPECT_EQ(turn(queue), "bad");
    queue.on_step({});
    queue.begin({kBad, kShort});
    EXPECT_EQ(turn(queue), "bad") << "a success ends its place at the end of the queue";
}

}  // namespace
}  // namespace glia
