#include "protocols/http/covered.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace protocols::http;

TEST_CASE("parts that join are the whole file, in whatever order they came") {
  Covered covered;
  covered.add({0, 10});
  CHECK_FALSE(covered.is_whole(30));
  covered.add({20, 10});
  CHECK_FALSE(covered.is_whole(30));
  covered.add({10, 10});
  CHECK(covered.is_whole(30));
}

TEST_CASE("parts may overlap, and a part of nothing is none") {
  Covered covered;
  covered.add({0, 0});
  covered.add({5, 10});
  covered.add({0, 7});
  covered.add({12, 100});
  CHECK(covered.is_whole(112));
  CHECK_FALSE(covered.is_whole(113));
}

TEST_CASE("many parts take little memory, and never seem whole by it") {
  Covered covered;
  for (std::uint64_t i = 0; i < 10'000; ++i) covered.add({i * 2, 1});
  CHECK_FALSE(covered.is_whole(20'000));
}

TEST_CASE("a file cut at random is whole once its last part came, and not before") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Span> parts;
    for (std::uint64_t at = 0; at < 1000;) {
      const auto size = std::min<std::uint64_t>(random() % 100 + 1, 1000 - at);
      parts.push_back({at, size});
      at += size;
    }
    if (parts.size() > Covered::most_parts) continue;
    std::ranges::shuffle(parts, random);
    Covered covered;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      CHECK_FALSE(covered.is_whole(1000));
      covered.add(parts[i]);
    }
    CHECK(covered.is_whole(1000));
  }
}
