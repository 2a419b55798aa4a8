#include "server/loop/told_once.hpp"

#include <doctest/doctest.h>

TEST_CASE("each text is told once, and so many at most") {
  server::ToldOnce told(3);
  CHECK(told.is_new("a"));
  CHECK_FALSE(told.is_new("a"));
  CHECK(told.is_new(""));
  CHECK(told.is_new(std::string(300'000, 'x')));
  CHECK_FALSE(told.is_new("b"));
}
