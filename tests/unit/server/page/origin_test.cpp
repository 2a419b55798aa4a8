#include "server/page/origin.hpp"

#include <doctest/doctest.h>

using namespace server;

TEST_CASE("a request is for this server by an address, localhost, and the names of the configuration") {
  const std::vector<std::string> names{"images.corp.example"};
  for (const auto* host :
       {"127.0.0.1", "127.0.0.1:8069", "[::1]", "[::1]:8069", "localhost", "LocalHost:8069", "192.0.2.7",
        "images.corp.example", "Images.Corp.Example:443", "images.corp.example."})
    CHECK_MESSAGE(is_own_host(host, names), host);
  for (const auto* host :
       {"", "evil.example", "evil.example:8069", "localhost.evil.example", "images.corp.example.evil.example",
        "127.0.0.1.evil.example", "[::1", "::1", "127.0.0.1:", "127.0.0.1:80a", "127.0.0.1:8069:1", "[::1]x"})
    CHECK_MESSAGE(!is_own_host(host, names), host);
}

TEST_CASE("a page is the server's own by Origin or Sec-Fetch-Site, and by neither's absence") {
  CHECK(is_own_origin("http", "127.0.0.1:8069", "http://127.0.0.1:8069", ""));
  CHECK(is_own_origin("http", "127.0.0.1:8069", "http://127.0.0.1:8069", "same-origin"));
  CHECK(is_own_origin("http", "127.0.0.1:8069", "", "same-origin"));
  CHECK(is_own_origin("https", "a.example", "https://A.example", ""));
  CHECK(is_own_origin("https", "a.example:443", "https://a.example", ""));
  CHECK_FALSE(is_own_origin("http", "127.0.0.1:8069", "", ""));
  for (const auto* origin : {"null", "http://127.0.0.1", "http://127.0.0.1:80", "https://127.0.0.1:8069",
                             "http://evil.example", "http://127.0.0.1:8069.evil.example", "127.0.0.1:8069"})
    CHECK_MESSAGE(!is_own_origin("http", "127.0.0.1:8069", origin, ""), origin);
  for (const auto* site : {"same-site", "cross-site", "none", "x"})
    CHECK_MESSAGE(!is_own_origin("http", "127.0.0.1:8069", "http://127.0.0.1:8069", site), site);
}

TEST_CASE("a cookie is found by its whole name") {
  CHECK(cookie_of("apdepot=a", "apdepot") == "a");
  CHECK(cookie_of("x=1; apdepot=a; y=2", "apdepot") == "a");
  CHECK(cookie_of("xapdepot=1;apdepot=a=b", "apdepot") == "a=b");
  CHECK(cookie_of("apdepot=", "apdepot").empty());
  for (const auto* header : {"", ";", "apdepot", "xapdepot=1", "apdepotx=1", "__Host-apdepot=1", "=;=;="})
    CHECK_MESSAGE(cookie_of(header, "apdepot").empty(), header);
}
