#include "server/api/query.hpp"

#include <doctest/doctest.h>

using namespace server;

TEST_CASE("a query is taken apart and decoded") {
  Query query("client=192.0.2.7&path=%2FEWC%2Fa+b%C3%A9&empty=&flag=1&limit=20",
              {"client", "path", "empty", "flag", "limit"});
  CHECK(query.text("client") == "192.0.2.7");
  CHECK(query.text("path") == "/EWC/a b\xc3\xa9");
  CHECK_FALSE(query.text("empty"));
  CHECK_FALSE(query.text("missing"));
  CHECK(query.flag("flag"));
  CHECK(query.number("limit", 5, 1, 100) == 20);
  CHECK(query.number("missing", 5, 1, 100) == 5);
  CHECK(query.fault().empty());
}

TEST_CASE("what is wrong with a query is said, the first fault only") {
  CHECK(Query("x=1", {"client", "limit"}).fault() == "x is not a parameter here; there are: client, limit");
  CHECK(Query("a=%2", {"a"}).fault() == "a=%2 is not percent-encoded");
  CHECK(Query("a=%zz", {"a"}).fault() == "a=%zz is not percent-encoded");
  CHECK(Query("a=1&a=2&b=3", {"a"}).fault() == "a stands there twice");
  const Query rest("a=1&x=1&b=2", {"a", "b"});
  CHECK(rest.text("a") == "1");
  CHECK_FALSE(rest.text("b"));  // what follows a fault is not looked at
  Query query("limit=0&flag=yes&when=tomorrow&mode=http", {"limit", "flag", "when", "mode"});
  CHECK(query.number("limit", 7, 1, 100) == 7);
  CHECK(query.fault() == "limit=0: it is a number from 1 to 100");
  CHECK_FALSE(query.flag("flag"));
  CHECK(query.fault() == "limit=0: it is a number from 1 to 100");
  Query other("mode=http", {"mode"});
  CHECK(other.choice("mode", {"tftp", "sftp"}) == "http");
  CHECK(other.fault() == "mode=http: it is one of tftp, sftp");
  CHECK(Query("", {"mode"}).choice("mode", {"tftp", "sftp"}) == "tftp");
  Query third("mode=http&more=&last=sftp", {"mode", "more", "last"});
  CHECK(third.one_of("last", {"tftp", "sftp"}) == "sftp");
  CHECK_FALSE(third.one_of("more", {"tftp", "sftp"}));
  CHECK(third.fault().empty());
  CHECK(third.one_of("mode", {"tftp", "sftp"}) == "http");
  CHECK(third.fault() == "mode=http: it is one of tftp, sftp");
  CHECK(Query("\x1b[2J=1", {}).fault().find('\x1b') == std::string::npos);
}

TEST_CASE("a time is a span before now, or a date") {
  constexpr std::int64_t now = 1'795'847'068'000;
  Query query("a=2h&b=2026-11-28&c=x", {"a", "b", "c"});
  CHECK(query.time("a", now) == now - 7'200'000);
  CHECK(query.time("b", now) == 1'795'824'000'000);
  CHECK_FALSE(query.time("d", now));
  CHECK(query.fault().empty());
  CHECK_FALSE(query.time("c", now));
  CHECK(query.fault().find("c=x: it is a span such as 30m") == 0);
}
