#include "sinks/record_memory.hpp"

#include "daemon/parse/engagement_parser.hpp"
#include "tests/printing.hpp"

namespace glia {
namespace {

const std::string kBody =
    R"({"engagements":[{"id":"engagement-1","created_at":"2024-01-01T12:00:00Z","visitor_name":"A name that is longer than a block of bytes",)"
    R"("queues":[{"id":"queue-1","name":"Sales"}],"legs":[{"id":"leg-1","request_queues":[{"id":"queue-1","name":"Sales"}],"mood":"ok"}]},)"
    R"({"id":"engagement-2","created_at":"2024-01-01T12:00:01Z","visitor_name":"\u00e9 and \"quotes\""}]})";

std::vector<Engagement> read_page() {
    EngagementParser parser;
    std::string body = kBody;
    std::vector<Engagement> engagements = std::move(parser.page(body).value->engagements);
    std::fill(body.begin(), body.end(), '#');
    return engagements;
}
void expect_the_first(const Engagement& e) {
    EXPECT_EQ(e.id, "engagement-1");
    EXPECT_EQ(e.visitor_name, "A name that is longer than a block of bytes");
    EXPECT_EQ(e.queues.at(0).name, "Sales");
    EXPECT_EQ(e.legs->at(0).id, "leg-1");
    EXPECT_EQ(e.legs->at(0).request_queues.at(0).id, "queue-1");
    EXPECT_EQ(e.legs->at(0).extra, R"({"mood":"ok"})");
}

TEST(Records, OutliveTheirPageItsBodyAndTheParser) {
    const auto engagements = read_page();
    ASSERT_EQ(engagements.size(), 2u);
    expect_the_first(engagements[0]);
    EXPECT_EQ(engagements[1].visitor_name, "\xc3\xa9 and \"quotes\"");
}
TEST(Records, OneThatIsCopiedNeedsNothingOfTheOther) {
    auto engagements = std::make_unique<std::vector<Engagement>>(read_page());
    const Engagement copy = (*engagements)[0];
    const Leg leg = (*engagements)[0].legs->at(0);
    const RecordText name = (*engagements)[0].visitor_name;
    engagements.reset();
    expect_the_first(copy);
    EXPECT_EQ(leg.request_queues.at(0).name, "Sales");
    EXPECT_EQ(name, "A name that is longer than a block of bytes");
}
TEST(Records, OneThatTakesTheOthersPlaceHasWhatTheOtherHad) {
    Engagement place = read_page()[1];
    place = std::move(read_page()[0]);  // takes over the temporary's arena
    expect_the_first(place);
    place = read_page()[0];
    expect_the_first(place);
    auto engagements = read_page();
    std::swap(engagements[0], engagements[1]);
    engagements.erase(engagements.begin());
    expect_the_first(engagements[0]);
}
TEST(Records, ChangingACopyLeavesTheOther) {
    const auto engagements = read_page();
    Engagement copy = engagements[0];
    copy.legs->at(0).id = "another";
    copy.queues.clear();
    expect_the_first(engagements[0]);
    EXPECT_NE(copy, engagements[0]);
}

TEST(RecordText, IsATextOrNone) {
    EXPECT_EQ(RecordText(), std::nullopt);
    EXPECT_NE(RecordText(""), RecordText());
    EXPECT_NE(RecordText(""), std::nullopt);
    EXPECT_NE(RecordText(), "");
    EXPECT_EQ(RecordText::borrowed("ab"), RecordText("ab"));
    EXPECT_EQ(RecordText(std::optional<std::string>("ab")), "ab");
    EXPECT_EQ(RecordText(std::optional<std::string>()), std::nullopt);
    EXPECT_EQ(RecordText().value_or("none"), "none");
    RecordText text("ab");
    text.reset();
    EXPECT_FALSE(text);
}
TEST(RecordList, RefusesAnElementThatThereIsNot) {
    RecordList<RecordText> list{"a", "b"};
    EXPECT_EQ(list.at(1), "b");
    EXPECT_THROW(list.at(2), std::out_of_range);
    EXPECT_THROW(RecordList<RecordText>().at(0), std::out_of_range);
}

TEST(RecordMemory, HoldsTextsOfAnyLength) {
    RecordMemory memory(300);
    std::vector<std::pair<std::string, std::string_view>> kept;
    for (std::size_t length = 0; length < 1000; length += 7) {
        std::string text(length, static_cast<char>('a' + length % 26));
        const std::string_view there = memory.keep(text);
        kept.emplace_back(std::move(text), there);
        auto* number =
            static_cast<std::uint64_t*>(memory.allocate(sizeof(std::uint64_t), alignof(std::uint64_t)));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(number) % alignof(std::uint64_t), 0u);
        *number = ~std::uint64_t{0};
    }
    for (const auto& [text, there] : kept) EXPECT_EQ(there, text);
}
TEST(RecordMemory, LeavesABodyWhereItIs) {
    for (const std::size_t length : {0, 3, 100}) {
        RecordMemory memory(300, std::string(length, 'b'));
        const char* const there = memory.body().data();
        memory.keep(std::string(1000, 'k'));
        EXPECT_EQ(memory.body().data(), there);
        EXPECT_EQ(memory.body(), std::string(length, 'b'));
    }
}

}  // namespace
}  // namespace glia
