// The content hash covers names and values (DESIGN.md §4): whether a member is documented makes no
// difference.
#include <gtest/gtest.h>

#include "sinks/fields/engagement_fields.hpp"
#include "sinks/hash_leaves.hpp"
#include "sinks/legacy_hash.hpp"
#include "sinks/record_hash.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

/// A record before and after some of its members became documented.
struct Part {
    RecordText href;
    bool operator==(const Part&) const = default;
};
struct Before {
    RecordText id;
    RecordText extra;
};
struct After {
    RecordText id;
    RecordText sentiment;
    OptionalInstant closed_at;
    OptionalInteger wrap_up;
    OptionalFlag rated;
    RecordText survey_href;
    RecordList<Part> tags;
    RecordText extra;
};
using BeforeFields = FieldList<IdField<"id", &Before::id>, ExtraField<&Before::extra>>;
using PartFields = FieldList<TextField<"href", &Part::href>>;
using AfterFields =
    FieldList<IdField<"id", &After::id>, TextField<"sentiment", &After::sentiment>,
              TimeField<"closed_at", &After::closed_at>, SecondsField<"wrap_up", &After::wrap_up>,
              FlagField<"rated", &After::rated>, InnerTextField<"survey", "href", &After::survey_href>,
              ListField<"tags", &After::tags, PartFields>, ExtraField<&After::extra>>;

std::string before(const std::string& extra) {
    Before record;
    record.id = "e1";
    record.extra = extra;
    return std::string(hashing::leaves_of<BeforeFields>(record).view());
}

After documented() {
    After record;
    record.id = "e1";
    record.sentiment = "good";
    record.closed_at = Instant{std::chrono::microseconds{1'499'435'241'150'000}};
    record.wrap_up = 10;
    record.rated = true;
    record.survey_href = "https://x/1";
    record.tags = {{{"t1"}}, {}};
    return record;
}

TEST(RecordHash, IsTheSameWhetherAMemberIsDocumentedOrNot) {
    EXPECT_EQ(before(R"({"closed_at":"2017-07-07T13:47:21.150Z","rated":true,"sentiment":"good",)"
                     R"("survey":{"href":"https://x/1"},"tags":[{"href":"t1"},{}],"wrap_up":10})"),
              hashing::leaves_of<AfterFields>(documented()).view());
}

TEST(RecordHash, ATimeIsTheSameInEachOfItsForms) {
    EXPECT_EQ(before(R"({"t":"2017-07-07T13:47:21.000Z"})"), before(R"({"t":"2017-07-07T13:47:21Z"})"));
    EXPECT_NE(before(R"({"t":"2017-07-07T13:47:21Z"})"), before(R"({"t":"2017-07-07T13:47:22Z"})"));
    EXPECT_NE(before(R"({"t":"2017-07-07"})"), before(R"({"t":"2017-07-07T00:00:00Z"})"));
}

TEST(RecordHash, NullAndAbsentAreTheSame) {
    EXPECT_EQ(before(R"({"a":null,"b":{"c":null},"d":[]})"), before("{}"));
}

TEST(RecordHash, WholeNumbersAreTheSameHoweverTheyAreWritten) {
    EXPECT_EQ(before(R"({"n":10})"), before(R"({"n":10.0})"));
    EXPECT_NE(before(R"({"n":10})"), before(R"({"n":10.5})"));
    EXPECT_NE(before(R"({"n":10})"), before(R"({"n":"10"})"));
}

TEST(RecordHash, NoTwoContentsHaveOneForm) {
    const std::vector<std::string> contents{R"({"a":"b"})",
                                            R"({"ab":""})",
                                            R"({"a":{"b":"c"}})",
                                            R"({"a":["b"]})",
                                            R"({"a":["b",null]})",
                                            R"({"a":[null,"b"]})",
                                            R"({"a":[["b"]]})",
                                            R"({"a":true})",
                                            R"({"a":false})",
                                            R"({"a":1})",
                                            R"({"a":"1"})",
                                            R"({"a":-1})",
                                            R"({"a":"b","c":"d"})",
                                            R"({"a":"bc","":"d"})",
                                            R"({"":{"a":"b"}})",
                                            R"({"a":1e300})",
                                            "{}"};
    for (const std::string& one : contents) {
        for (const std::string& other : contents) {
            EXPECT_EQ(before(one) == before(other), &one == &other || one == other) << one << " " << other;
        }
    }
}

TEST(RecordHash, OneDocumentedMemberBesideUndocumentedOnesStandsInTheirOrder) {
    After record = documented();
    record.extra = R"({"aaa":1,"survey":{"name":"x"},"tags":[{},{"z":2}],"zzz":3})";
    EXPECT_EQ(
        before(R"({"aaa":1,"closed_at":"2017-07-07T13:47:21.150Z","rated":true,"sentiment":"good",)"
               R"("survey":{"href":"https://x/1","name":"x"},"tags":[{"href":"t1"},{"z":2}],"wrap_up":10,)"
               R"("zzz":3})"),
        hashing::leaves_of<AfterFields>(record).view());
}

Engagement engagement() {
    Engagement e;
    e.id = "e1";
    e.created_at = Instant{std::chrono::seconds{1'500'000'000}};
    e.visitor_name = "Ann";
    e.duration = 5;
    e.operators = {{"o1", "https://x/operators/o1"}};
    e.queues = {{"q1", "Sales"}};
    Leg leg;
    leg.id = "l1";
    leg.duration = 3;
    e.legs = RecordList<Leg>{leg};
    return e;
}

TEST(RecordHash, EachDocumentedMemberCounts) {
    const RecordHash core = core_hash(engagement());
    const auto changed = [&](auto change) {
        Engagement e = engagement();
        change(e);
        return core_hash(e) != core;
    };
    EXPECT_TRUE(changed([](Engagement& e) { e.visitor_name = "Bea"; }));
    EXPECT_TRUE(changed([](Engagement& e) { e.duration.reset(); }));
    EXPECT_TRUE(changed([](Engagement& e) { e.flagged = false; }));
    EXPECT_TRUE(changed([](Engagement& e) { e.operators = {}; }));
    EXPECT_TRUE(changed([](Engagement& e) { e.queues[0].name = "Help"; }));
    EXPECT_TRUE(changed([](Engagement& e) { e.extra = R"({"x":1})"; }));
    EXPECT_FALSE(changed([](Engagement& e) { e.legs.reset(); }));
}

TEST(RecordHash, LegsCountInTheirOrder) {
    Leg one, two;
    one.id = "l1";
    two.id = "l2";
    EXPECT_NE(legs_hash({one, two}), legs_hash({two, one}));
    EXPECT_NE(legs_hash({one}), legs_hash({}));
    two.extra = R"({"sentiment":1})";
    EXPECT_NE(legs_hash({one, two}), legs_hash({one}));
}

// Stored hashes have this form. If the form changes, every engagement is fetched again.
TEST(RecordHash, IsComputedFromTheVersionAndTheSortedLeaves) {
    Leg leg;
    leg.id = "l1";
    leg.accepted_at = parse_timestamp("2024-01-01T12:00:00Z");
    leg.duration = 3;
    leg.used_cobrowsing = true;
    // SHA-256 of the version (2), followed by each leaf: length of its path, path, kind, value. `duration`
    // is: 18 as four bytes, the path (NUL, "00000000", NUL, "duration"), "i", 3 as eight bytes.
    EXPECT_EQ(to_hex(legs_hash({leg})), "022970b59b8f5a4a1e12de9682de20e23a");
}

TEST(LegacyHash, WhatIsUnchangedIsRecognised) {
    const Engagement e = engagement();
    IncomingState incoming;
    incoming.core_hash = core_hash(e);
    incoming.legs_hash = legs_hash(*e.legs);
    StoredState stored;
    stored.core_hash = legacy_core_hash(e);
    stored.list_hash = legacy_core_hash(e);
    stored.legs_hash = legacy_legs_hash(*e.legs);
    stored.legs_fetched_at = Instant{};
    EXPECT_TRUE(upgrade_hashes(stored, e, incoming));
    EXPECT_EQ(stored.core_hash, incoming.core_hash);
    EXPECT_EQ(stored.list_hash, incoming.core_hash);
    EXPECT_EQ(stored.legs_hash, incoming.legs_hash);
    EXPECT_FALSE(upgrade_hashes(stored, e, incoming));
}

TEST(LegacyHash, WhatHasChangedStaysAsItIs) {
    Engagement e = engagement();
    StoredState stored;
    stored.core_hash = legacy_core_hash(e);
    e.visitor_name = "Bea";
    IncomingState incoming;
    incoming.core_hash = core_hash(e);
    EXPECT_FALSE(upgrade_hashes(stored, e, incoming));
    EXPECT_EQ(stored.core_hash.version, RecordHash::kLegacy);
}

TEST(StoredHashes, ShowTheirVersion) {
    const RecordHash now = core_hash(engagement()), before = legacy_core_hash(engagement());
    EXPECT_EQ(now.bytes().size(), 17u);
    EXPECT_EQ(before.bytes().size(), 16u);
    for (const RecordHash& hash : {now, before}) {
        EXPECT_EQ(record_hash_from_bytea(to_bytea(hash)), hash);
        EXPECT_EQ(record_hash_from_hex(to_hex(hash)), hash);
    }
    EXPECT_FALSE(record_hash_from_hex(""));
    EXPECT_FALSE(record_hash_from_hex("0g"));
}

}  // namespace
}  // namespace glia
