// Content codings: gzip and deflate are decoded in the forms that curl accepts, and no body exceeds its
// limit.
#include "daemon/api/content_coding.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace glia {
namespace {

constexpr std::size_t kLimit = 1 << 20;

/// `format`: zlib's windowBits: 15 zlib, 15 + 16 gzip, -15 raw.
std::string deflated(const std::string& text, int format) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}
std::string gzip(const std::string& text) {
    return deflated(text, 15 + 16);
}
std::string zlib(const std::string& text) {
    return deflated(text, 15);
}
std::string raw(const std::string& text) {
    return deflated(text, -15);
}

/// The decoded body, or "error: …".
std::string decoded(std::string body, std::string_view list, std::size_t limit = kLimit) {
    std::string why;
    return decode_body(body, content_codings(list), limit, why) ? body : "error: " + why;
}

TEST(ContentCodings, ReadsListsAsServersWriteThem) {
    using List = std::vector<std::string>;
    EXPECT_EQ(content_codings(""), List{});
    EXPECT_EQ(content_codings(" , identity,NONE ,,"), List{});
    EXPECT_EQ(content_codings("GZip"), List{"gzip"});
    EXPECT_EQ(content_codings("deflate,\tgzip ,"), (List{"deflate", "gzip"}));
}
TEST(ContentCoding, AcceptsWhatCurlAccepts) {
    EXPECT_EQ(decoded("plain", ""), "plain");
    EXPECT_EQ(decoded("plain", "identity, none"), "plain");
    EXPECT_EQ(decoded(gzip("text"), "gzip"), "text");
    EXPECT_EQ(decoded(gzip("text"), "x-gzip"), "text");
    EXPECT_EQ(decoded(zlib("text"), "deflate"), "text");
    EXPECT_EQ(decoded(raw("text"), "deflate"), "text");
    EXPECT_EQ(decoded(gzip(gzip("text")), "gzip, gzip"), "text");
    EXPECT_EQ(decoded(gzip(zlib("text")), "deflate, gzip"), "text");
    EXPECT_EQ(decoded(raw(gzip("text")), "gzip, identity, deflate"), "text");
    EXPECT_EQ(decoded("", "gzip"), "");
    EXPECT_EQ(decoded(gzip(""), "gzip"), "");
}
TEST(ContentCoding, ReadsEveryMember) {
    EXPECT_EQ(decoded(gzip("one ") + gzip("two"), "gzip"), "one two");
    EXPECT_EQ(decoded(gzip("") + gzip("a") + gzip("") + gzip("b"), "gzip"), "ab");
    std::string many, want;
    for (int i = 0; i < 2000; ++i) many += gzip("x"), want += "x";
    EXPECT_EQ(decoded(many, "gzip"), want);
}
TEST(ContentCoding, IgnoresWhatIsNoMember) {
    EXPECT_EQ(decoded(gzip("text") + std::string(512, '\0'), "gzip"), "text");
    EXPECT_EQ(decoded(gzip("text") + "\r\n", "gzip"), "text");
    EXPECT_EQ(decoded(zlib("text") + "garbage", "deflate"), "text");
    EXPECT_EQ(decoded(raw("text") + "garbage", "deflate"), "text");
}
TEST(ContentCoding, AMemberThatIsCutOrSpoiledIsAnError) {
    const std::string two = gzip("one ") + gzip("two");
    EXPECT_EQ(decoded(two.substr(0, two.size() - 1), "gzip"), "error: compressed and cut off");
    std::string spoiled = two;
    spoiled[two.size() - 6] ^= 1;  // in the checksum of the second
    EXPECT_EQ(decoded(spoiled, "gzip"), "error: not compressed as Content-Encoding says");
    EXPECT_EQ(decoded("{\"plain\": 1}", "gzip"), "error: not compressed as Content-Encoding says");
    EXPECT_EQ(decoded(zlib("text").substr(0, 5), "deflate"), "error: compressed and cut off");
    EXPECT_EQ(decoded("\x1f", "gzip"), "error: compressed and cut off");
}
TEST(ContentCoding, ACodingThatIsNotKnownIsNamed) {
    EXPECT_EQ(decoded("x", "br"), "error: encoded as br, which was not asked for");
    EXPECT_EQ(decoded(gzip("x"), "gzip, zstd"), "error: encoded as zstd, which was not asked for");
    EXPECT_EQ(decoded("x", "gzip,gzip,gzip,gzip,gzip,gzip"), "error: encoded 6 times over");
}
TEST(ContentCoding, TheLimitHoldsAcrossMembersAndCodings) {
    const std::string too_long = "error: larger than glia-sync accepts";
    const std::string half(kLimit / 2, ' ');
    EXPECT_EQ(decoded(gzip(half) + gzip(half), "gzip"), half + half);
    EXPECT_EQ(decoded(gzip(half) + gzip(half) + gzip(" "), "gzip"), too_long);
    EXPECT_EQ(decoded(gzip(gzip(half + half + " ")), "gzip, gzip"), too_long);
    EXPECT_EQ(decoded(zlib(half + half + " "), "deflate"), too_long);
    EXPECT_EQ(decoded(raw(half + half + " "), "deflate"), too_long);
    EXPECT_EQ(decoded(gzip(std::string(64 << 20, ' ')), "gzip"), too_long);
}

}  // namespace
}  // namespace glia
