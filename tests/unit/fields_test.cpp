// What derives from the lists of fields.
#include <gtest/gtest.h>

#include <set>

#include "sinks/fields/documented.hpp"
#include "sinks/fields/engagement_fields.hpp"
#include "sinks/fields/message_fields.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia {
namespace {

template <typename List>
void expect_distinct_columns() {
    const auto columns = List::columns();
    EXPECT_EQ(std::set<std::string_view>(columns.begin(), columns.end()).size(), columns.size());
}

TEST(Fields, HaveAColumnEach) {
    expect_distinct_columns<EngagementFields>();
    expect_distinct_columns<LegFields>();
    expect_distinct_columns<MessageFields>();
    static_assert(LegFields::columns()[1] == "operator_id");
    static_assert(EngagementFields::columns().back() == "extra");
}

TEST(Documented, MembersAreKnownByTheirPlaces) {
    using Shape = DocumentedMember::Shape;
    EXPECT_EQ(documented_member("", "duration")->kind, FieldKind::seconds);
    EXPECT_EQ(documented_member("", "visitor")->shape, Shape::object);
    EXPECT_EQ(documented_member("visitor", "href")->personal, PersonalData::visitor_id);
    EXPECT_EQ(documented_member("legs", "request_queues")->shape, Shape::list_of_objects);
    EXPECT_EQ(documented_member("legs/request_queues", "name")->kind, FieldKind::text);
    EXPECT_EQ(documented_member("", "audio_recording_urls")->shape, Shape::list_of_values);
    EXPECT_FALSE(documented_member("", "extra"));
    EXPECT_FALSE(documented_member("operators", "operator_id"));
    EXPECT_FALSE(documented_member("visitor", "id"));
    EXPECT_FALSE(documented_member("nowhere", "id"));
}

TEST(Documented, SomeMembersIdentifyAnEngagement) {
    EXPECT_TRUE(is_member_of_engagement_alone("visitor_name"));
    EXPECT_TRUE(is_member_of_engagement_alone("legs"));
    for (const char* name : {"id", "created_at", "duration", "href", "name", "next_page"})
        EXPECT_FALSE(is_member_of_engagement_alone(name)) << name;
}

UndocumentedMembers members_of(const char* extra, const char* of_leg = nullptr) {
    Engagement e;
    e.id = "e1";
    e.extra = extra;
    if (of_leg) {
        Leg leg;
        leg.extra = of_leg;
        e.legs = RecordList<Leg>{leg, leg};
    }
    UndocumentedMembers members;
    collect_undocumented_members(e, members);
    collect_undocumented_of_legs(e, members);
    return members;
}

TEST(UndocumentedMembers, AreNamedByTheirPaths) {
    const auto members = members_of(
        R"({"mood":{"deep":1},"visitor":{"name":"x"},"operators":[{},{"role":"y"},5],"duration":"109"})",
        R"({"sentiment":1,"ended_at":"soon","operator":{"name":"z"}})");
    ASSERT_EQ(members.size(), 8u);
    EXPECT_EQ(members.at("mood").kind, UndocumentedKind::unknown);
    EXPECT_EQ(members.at("mood").example, R"({"deep":1})");
    EXPECT_EQ(members.at("mood").example_of, "e1");
    EXPECT_EQ(members.at("visitor.name").kind, UndocumentedKind::unknown);
    EXPECT_EQ(members.at("operators[].role").times, 1);
    EXPECT_EQ(members.at("operators[]").kind, UndocumentedKind::type);
    EXPECT_EQ(members.at("duration").kind, UndocumentedKind::type);
    EXPECT_EQ(members.at("legs[].sentiment").times, 2);
    EXPECT_EQ(members.at("legs[].ended_at").kind, UndocumentedKind::value);
    EXPECT_EQ(members.at("legs[].operator.name").kind, UndocumentedKind::unknown);
}

TEST(UndocumentedMembers, ANumberOfAnySizeIsNoObstacle) {
    const auto members =
        members_of(R"({"big":123456789012345678901234567890,"mood":1e999,"visitor":{"n":[1e-999]}})");
    ASSERT_EQ(members.size(), 3u);
    EXPECT_EQ(members.at("big").example, "123456789012345678901234567890");
    EXPECT_EQ(members.at("visitor.n").example, "[1e-999]");
}

TEST(UndocumentedMembers, ExamplesAreShort) {
    const std::string extra = "{\"x\":\"" + std::string(199, 'a') + "ü" + std::string(1000, 'b') + "\"}";
    const std::string example = members_of(extra.c_str()).at("x").example;
    EXPECT_EQ(example, "\"" + std::string(199, 'a') + "…");
}

}  // namespace
}  // namespace glia
