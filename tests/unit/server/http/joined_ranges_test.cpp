#include "server/http/joined_ranges.hpp"

#include <doctest/doctest.h>

#include <string>

using server::http::JoinedRanges;

TEST_CASE("the parts of one client and one version join") {
  JoinedRanges joined;
  CHECK_FALSE(joined.add("192.0.2.7", "/a 1", {0, 400}, 1000));
  CHECK_FALSE(joined.add("192.0.2.8", "/a 1", {400, 600}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/a 2", {400, 600}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/b 1", {400, 600}, 1000));
  CHECK(joined.add("192.0.2.7", "/a 1", {400, 600}, 1000));
}

TEST_CASE("what was whole begins again") {
  JoinedRanges joined;
  CHECK(joined.add("192.0.2.7", "/a 1", {0, 1000}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/a 1", {400, 600}, 1000));
}

TEST_CASE("of many clients the last are remembered") {
  JoinedRanges joined;
  joined.add("first", "/a", {0, 500}, 1000);
  joined.add("second", "/a", {0, 500}, 1000);
  for (std::size_t i = 0; i + 2 < JoinedRanges::most; ++i)
    joined.add(std::to_string(i), "/a", {0, 500}, 1000);
  joined.add("first", "/a", {0, 1}, 1000);  // so that the second one is the oldest
  joined.add("one more", "/a", {0, 500}, 1000);
  CHECK(joined.add("first", "/a", {500, 500}, 1000));
  CHECK_FALSE(joined.add("second", "/a", {500, 500}, 1000));
}

TEST_CASE("parts join in whatever order they come, and where they overlap") {
  JoinedRanges joined;
  CHECK_FALSE(joined.add("192.0.2.7", "/a", {900, 100}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/a", {0, 500}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/a", {0, 500}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/a", {501, 450}, 1000));  // one byte is missing
  CHECK(joined.add("192.0.2.7", "/a", {400, 200}, 1000));
}

TEST_CASE("a part of which nothing came joins nothing") {
  JoinedRanges joined;
  CHECK_FALSE(joined.add("192.0.2.7", "/a", {0, 0}, 1000));
  CHECK_FALSE(joined.add("192.0.2.7", "/a", {1, 999}, 1000));
  CHECK(joined.add("192.0.2.7", "/a", {0, 1}, 1000));
}

TEST_CASE("files that became whole leave their room to others") {
  JoinedRanges joined;
  joined.add("first", "/a", {0, 500}, 1000);
  for (std::size_t i = 0; i < 2 * JoinedRanges::most; ++i)
    CHECK(joined.add(std::to_string(i), "/a", {0, 1000}, 1000));
  CHECK(joined.add("first", "/a", {500, 500}, 1000));
}
