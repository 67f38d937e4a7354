#include "daemon/api/url.hpp"

#include <gtest/gtest.h>

namespace glia {
namespace {

Url url(std::string_view text) {
    const auto parsed = parse_url(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Url{});
}

TEST(UrlTest, KeepsTheTargetByteForByte) {
    EXPECT_EQ(url("https://API.example.com/engagements?site_ids[]=a%20b&cursor=a|b\"c").target,
              "/engagements?site_ids[]=a%20b&cursor=a|b\"c");
}
TEST(UrlTest, CompletesTheOrigin) {
    EXPECT_EQ(url("https://API.example.com").origin, (Origin{"https", "api.example.com", "443"}));
    EXPECT_EQ(url("http://[::1]:8080/x").origin, (Origin{"http", "::1", "8080"}));
}
TEST(UrlTest, RefusesWhatItMustNotFollow) {
    for (const char* text : {"", "api.example.com", "ftp://x/", "https://user:secret@api.example.com/",
                             "https:///x", "http://x y/", "http://x/\r\nHost: y"}) {
        EXPECT_FALSE(parse_url(text)) << text;
    }
}
TEST(UrlTest, ResolvesRelativeLinksAgainstTheBase) {
    const Url base = url("https://api.example.com/v1/engagements?x=1");
    EXPECT_EQ(resolve_link(base, "/engagements?cursor=7")->target, "/engagements?cursor=7");
    EXPECT_EQ(resolve_link(base, "?cursor=7")->target, "/v1/engagements?cursor=7");
    EXPECT_EQ(resolve_link(base, "//evil.example/x")->origin.host, "evil.example");
    EXPECT_FALSE(resolve_link(base, "engagements"));
}
TEST(UrlTest, KnowsLoopback) {
    EXPECT_TRUE(is_loopback(url("http://127.0.0.9:1/").origin));
    EXPECT_TRUE(is_loopback(url("http://localhost/").origin));
    EXPECT_FALSE(is_loopback(url("http://127.evil.example/").origin));
}
TEST(UrlTest, MasksUserInformation) {
    EXPECT_EQ(mask_url("http://user:secret@proxy:3128/"), "http://********@proxy:3128/");
    EXPECT_EQ(mask_url("https://api.example.com/x"), "https://api.example.com/x");
    // A password may hold what must not stand in it, and no scheme has to be there.
    for (const char* password : {"secret", "a/secret", "a#secret", "a?secret", "a@secret", "://secret"}) {
        EXPECT_EQ(mask_url("http://user:" + std::string(password) + "@h:1/"), "http://********@h:1/");
        EXPECT_EQ(mask_url("user:" + std::string(password) + "@h:1"), "********@h:1");
    }
}
TEST(ProxyTest, ReadsHostPortAndCredentials) {
    EXPECT_EQ(parse_proxy("http://me:pw@proxy.example:8080"), (Proxy{"proxy.example", "8080", "me:pw"}));
    EXPECT_EQ(parse_proxy("proxy.example"), (Proxy{"proxy.example", "3128", ""}));
    EXPECT_EQ(parse_proxy("me:p%2Fw@proxy.example:8080/"), (Proxy{"proxy.example", "8080", "me:p/w"}));
    EXPECT_FALSE(parse_proxy("socks5://proxy.example"));
    // The rest of a password with a slash, of which the first part looks like a port.
    for (const char* rest :
         {"/word@proxy.example:8080", "#word@proxy.example", "?word@proxy.example", "0000"})
        EXPECT_FALSE(parse_proxy("me:80" + std::string(rest))) << rest;
}
TEST(ProxyTest, NoProxyExemptsHostsAndSuffixes) {
    EXPECT_TRUE(bypasses_proxy("api.example.com", "localhost, .example.com"));
    EXPECT_TRUE(bypasses_proxy("anything", "*"));
    EXPECT_FALSE(bypasses_proxy("notexample.com", "example.com"));
}
TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
    EXPECT_EQ(percent_encode("a-b/ü?"), "a-b%2F%C3%BC%3F");
}

}  // namespace
}  // namespace glia
