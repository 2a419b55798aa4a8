#include "server/loop/told_rarely.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;

TEST_CASE("a text is told once in a while, with the number of times that it was not") {
  ToldRarely rare(10min, 10);
  const ToldRarely::Clock::time_point start{};
  CHECK(rare.tell("a", start) == 0);
  CHECK_FALSE(rare.tell("a", start + 1s));
  CHECK_FALSE(rare.tell("a", start + 10min - 1ns));
  CHECK(rare.tell("b", start + 1s) == 0);
  CHECK(rare.tell("a", start + 10min) == 2);
  CHECK_FALSE(rare.tell("a", start + 10min));
  CHECK(rare.tell("a", start + 30min) == 1);
}

TEST_CASE("of too many texts the one that was told longest ago is forgotten") {
  ToldRarely rare(10min, 3);
  const ToldRarely::Clock::time_point start{};
  for (int i = 0; i < 1000; ++i) {
    CHECK(rare.tell(std::to_string(i), start + std::chrono::seconds(i)) == 0);
    CHECK(rare.remembered() <= 3);
  }
  CHECK_FALSE(rare.tell("998", start + 1000s));
  CHECK(rare.tell("1", start + 1000s) == 0);
}
