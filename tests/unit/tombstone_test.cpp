// The file of `forget export` and `forget import`, and how rejected records are recognised by a digest.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "daemon/parse/tombstone_file.hpp"
#include "sinks/content_hash.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

const std::string kDigest = "ba7816bf8f01cfea414140de5dae2223";  // of "abc"
const std::string kHead = R"({"format":"glia-sync-tombstones","version":1})"
                          "\n";
const std::string kLine = R"({"kind":"visitor","digest":")" + kDigest + "\"}\n";
const std::string kEnd = "{\"tombstones\":1}\n";

std::optional<std::vector<Tombstone>> read(const std::string& text, std::string& why) {
    std::istringstream in(text);
    return read_tombstones(in, why);
}
/// Returns why the file is refused.
std::string refusal(const std::string& text) {
    std::string why;
    EXPECT_FALSE(read(text, why)) << text;
    return why;
}

TEST(TombstoneFile, IsReadAsItWasWritten) {
    const std::vector<Tombstone> tombstones{
        {Tombstone::Kind::visitor, bytes_hash("abc"), parse_timestamp("2026-11-26T21:00:00.5Z")},
        {Tombstone::Kind::engagement, bytes_hash("e1"), std::nullopt}};
    std::string text = tombstone_file_head();
    for (const Tombstone& tombstone : tombstones) text += tombstone_line(tombstone);
    text += tombstone_file_end(tombstones.size());
    std::string why;
    EXPECT_EQ(read(text, why), tombstones) << why;
    EXPECT_EQ(read(tombstone_file_head() + tombstone_file_end(0), why), std::vector<Tombstone>{}) << why;
}
TEST(TombstoneFile, HoldsDigestsAndNoIds) {
    const std::string line = tombstone_line({Tombstone::Kind::visitor, bytes_hash("abc"), std::nullopt});
    EXPECT_EQ(line, kLine);
}
TEST(TombstoneFile, MayHaveLineEndsOfAnotherSystem) {
    std::string text = kHead + kLine + kEnd + "\n";
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
    std::string why;
    EXPECT_EQ(read(text, why)->size(), 1u) << why;
    EXPECT_EQ(read(kHead + kLine + "{\"tombstones\":1}", why)->size(), 1u) << why;
    EXPECT_TRUE(read("\xef\xbb\xbf" + kHead + kLine + kEnd, why)) << why;  // and a byte order mark
}
TEST(TombstoneFile, ThatWasCutOffIsRefused) {
    const std::string text = kHead + kLine + kEnd;
    for (std::size_t length = 0; length + 1 < text.size(); ++length) refusal(text.substr(0, length));
    EXPECT_NE(refusal(kHead + kLine).find("cut off"), std::string::npos);
    EXPECT_EQ(refusal(kHead + kLine + kLine + kEnd), "line 4: it counts 1 tombstones, but the file has 2");
}
TEST(TombstoneFile, OfAnotherKindIsRefusedWithTheLine) {
    EXPECT_EQ(refusal("039124e6-b4e8-4a0d-b420-5b6696c7ecb4\n"), "line 1: it is not a JSON object");
    EXPECT_EQ(refusal("{}\n"), "line 1: `glia-sync forget export` did not write this file");
    EXPECT_NE(refusal(R"({"format":"glia-sync-tombstones","version":2})").find("version"), std::string::npos);
    for (const char* line :
         {"7", "[]", "{}", R"({"kind":"visitor"})",
          R"({"kind":"queue","digest":"ba7816bf8f01cfea414140de5dae2223"})",
          R"({"kind":"visitor","digest":"ba78"})",
          R"({"kind":"visitor","digest":"BA7816BF8F01CFEA414140DE5DAE2223"})",
          R"({"kind":"visitor","digest":7})",
          R"({"kind":"visitor","digest":"ba7816bf8f01cfea414140de5dae2223","id":"ann"})",
          R"({"kind":"visitor","digest":"ba7816bf8f01cfea414140de5dae2223","forgotten_at":"soon"})", "\x01"})
        EXPECT_TRUE(refusal(kHead + kLine + line + "\n" + kEnd).starts_with("line 3: ")) << line;
    EXPECT_TRUE(refusal(kHead + std::string(5000, ' ') + kEnd).starts_with("line 2: it is longer"));
    EXPECT_TRUE(refusal(kHead + kLine.substr(0, kLine.size() - 1) + std::string("\0x\n", 3) + kEnd)
                    .starts_with("line 2: "));
    EXPECT_TRUE(refusal(kHead + kLine + kEnd + kLine).starts_with("line 4: there is something after"));
}
TEST(RejectedPayload, NamesAVisitorAsATextOrAtTheEndOfALink) {
    const auto names = [](const std::string& payload, const std::string& visitor) {
        const auto digests = possible_person_digests(payload);
        return std::find(digests.begin(), digests.end(), bytes_hash(visitor)) != digests.end();
    };
    EXPECT_TRUE(names(R"({"visitor_id":"ann","id":"e"})", "ann"));
    EXPECT_TRUE(names(R"({"visitor":{"href":"https://x/visitors/ann"}})", "ann"));
    EXPECT_TRUE(names(R"({"note":"a \"quote\"","visitor_id":"ann")", "ann")) << "not valid";
    EXPECT_FALSE(names(R"({"visitor_id":"joann","x":"ann-marie"})", "ann"));
    EXPECT_TRUE(possible_person_digests("").empty());
    EXPECT_TRUE(possible_person_digests("\"").empty());
}

}  // namespace
}  // namespace glia
