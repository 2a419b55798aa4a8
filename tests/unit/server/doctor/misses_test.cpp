#include "server/doctor/misses.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace server::doctor;

TEST_CASE("a name that was asked for in vain is told once, with its fix") {
  const auto misses = recent_misses(
      R"({"ended":[],"misses":[{"client":"192.0.2.7","protocol":"tftp","asked":"/a","cause":"NOT_FOUND",)"
      R"("text":"no a","fix":"do a"},{"client":"192.0.2.8","protocol":"tftp","asked":"/a",)"
      R"("cause":"NOT_FOUND","text":"no a","fix":"do a"},{"client":"192.0.2.8","protocol":"sftp",)"
      R"("asked":"/b","cause":"NOT_FOUND","text":"no b: do b","fix":"do b"}]})");
  REQUIRE(misses.size() == 3);
  CHECK(misses[2].protocol == "sftp");
  CHECK(judge_misses(misses).findings() ==
        std::vector<Finding>{{State::look, "192.0.2.7 NOT_FOUND: no a (2 times)", "do a"},
                             {State::look, "192.0.2.8 NOT_FOUND: no b: do b", ""}});
  CHECK(judge_misses({}).state() == State::ok);
  CHECK(recent_misses("{}").empty());
  CHECK_THROWS_AS(recent_misses("{"), std::runtime_error);
}

TEST_CASE("a hundred names are told as a few and a number") {
  std::vector<RecentMiss> open;
  for (int i = 0; i < 100; ++i)
    open.push_back({"", "192.0.2.7", "tftp", "/" + std::to_string(i), "NOT_FOUND", "no", ""});
  const auto found = judge_misses(open).findings();
  REQUIRE(found.size() == 6);
  CHECK(found.back().found == "95 more names were asked for in vain");
}
