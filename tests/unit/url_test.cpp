#include "daemon/base/url.hpp"

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
/// What `link` means on a page of `carrier`; "none" if nothing.
std::string resolved(const char* carrier, const char* link) {
    const auto target = resolve_link(url(carrier), link);
    return target ? to_text(*target) : "none";
}

TEST(UrlTest, ResolvesLinksAsRfc3986Does) {
    const char* page = "https://api.example.com:8443/v1/engagements?x=1";
    const std::string origin = "https://api.example.com:8443";
    EXPECT_EQ(resolved(page, "?cursor=7"), origin + "/v1/engagements?cursor=7");
    EXPECT_EQ(resolved(page, "engagements?cursor=7"), origin + "/v1/engagements?cursor=7");
    EXPECT_EQ(resolved(page, "./x?y"), origin + "/v1/x?y");
    EXPECT_EQ(resolved(page, "../x"), origin + "/x");
    EXPECT_EQ(resolved(page, "../../../x"), origin + "/x");
    EXPECT_EQ(resolved(page, "/x?cursor=7"), origin + "/x?cursor=7");
    EXPECT_EQ(resolved(page, "/a/./b/../c/.."), origin + "/a/");
    EXPECT_EQ(resolved(page, "."), origin + "/v1/");
    EXPECT_EQ(resolved(page, ".."), origin + "/");
    EXPECT_EQ(resolved(page, "a..b/.c/d."), origin + "/v1/a..b/.c/d.");
    EXPECT_EQ(resolved(page, "#part"), page);
    EXPECT_EQ(resolved(page, "?a=b#part"), origin + "/v1/engagements?a=b");
    EXPECT_EQ(resolved(page, "//evil.example/x"), "https://evil.example/x");
    EXPECT_EQ(resolved(page, "https://api.example.com/x"), "https://api.example.com/x");
    EXPECT_EQ(resolved("http://h", "x"), "http://h/x");
    EXPECT_EQ(resolved("http://h/a/b", "?back=/../x://y"), "http://h/a/b?back=/../x://y");
    EXPECT_EQ(resolved("http://h/a/b", "c?back=http://y/"), "http://h/a/c?back=http://y/");
}
TEST(UrlTest, KeepsQueriesThatRfc3986DoesNotAllow) {
    EXPECT_EQ(resolved("http://h/engagements", "?site_ids[]=a&c=x|y\"{z}^`%zz"),
              "http://h/engagements?site_ids[]=a&c=x|y\"{z}^`%zz");
    EXPECT_EQ(resolved("http://h/v1/a", "engagements?site_ids[]=a&b=../.."),
              "http://h/v1/engagements?site_ids[]=a&b=../..");
}
TEST(UrlTest, AnAbsoluteLinkIsTakenByteForByte) {
    EXPECT_EQ(resolved("http://h/", "http://h/a/../b//c?d[]=./e"), "http://h/a/../b//c?d[]=./e");
    EXPECT_TRUE(is_absolute("HTTPS://h/") && is_absolute("mailto:x"));
    for (const char* link : {"", "a/b:c", "?a:b", "//h:1/", "1a:b", ":x", "#a:b"})
        EXPECT_FALSE(is_absolute(link)) << link;
}
TEST(UrlTest, WhatCannotBeFollowedIsNoLink) {
    for (const char* link : {"", "ftp://h/x", "mailto:x", "http:x", "//", "//u:p@h/x", "a b", "x\r\nHost: y"})
        EXPECT_EQ(resolved("http://h/v1/a", link), "none") << link;
}
TEST(UrlTest, AHostThatWouldBeAHeaderIsNoHost) {
    for (const char* text : {"http://a%0d%0aX-Evil:1/", "http://a%20b/", "http://a%2fb/", "http://a%40b/",
                             "http://a%00b/", "http://%60c"})
        EXPECT_FALSE(parse_url(text)) << text;
}
TEST(UrlTest, KnowsLoopback) {
    EXPECT_TRUE(is_loopback(url("http://127.0.0.9:1/").origin));
    EXPECT_TRUE(is_loopback(url("http://localhost/").origin));
    EXPECT_FALSE(is_loopback(url("http://127.evil.example/").origin));
}
TEST(UrlTest, MasksUserInformation) {
    EXPECT_EQ(mask_url("http://user:secret@proxy:3128/"), "http://********@proxy:3128/");
    EXPECT_EQ(mask_url("https://api.example.com/x"), "https://api.example.com/x");
    // A password may contain characters that had to be encoded, and the scheme may be missing.
    for (const char* password : {"secret", "a/secret", "a#secret", "a?secret", "a@secret", "://secret"}) {
        EXPECT_EQ(mask_url("http://user:" + std::string(password) + "@h:1/"), "http://********@h:1/");
        EXPECT_EQ(mask_url("user:" + std::string(password) + "@h:1"), "********@h:1");
    }
}
TEST(ProxyTest, ReadsHostPortAndCredentials) {
    EXPECT_EQ(parse_proxy("http://me:pw@proxy.example:8080"), (Proxy{"proxy.example", "8080", "me:pw"}));
    EXPECT_EQ(parse_proxy("HTTP://Proxy.example"), (Proxy{"Proxy.example", "3128", ""}));
    EXPECT_EQ(parse_proxy("proxy.example"), (Proxy{"proxy.example", "3128", ""}));
    EXPECT_EQ(parse_proxy("me:p%2Fw@proxy.example:8080/"), (Proxy{"proxy.example", "8080", "me:p/w"}));
    EXPECT_FALSE(parse_proxy("socks5://proxy.example"));
    EXPECT_FALSE(parse_proxy("https://proxy.example"));
    // The rest of a password whose first part looks like a port.
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
