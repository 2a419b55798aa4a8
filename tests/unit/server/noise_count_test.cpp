#include "server/noise_count.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace server;
using namespace std::chrono_literals;
using event::Noise;

namespace {
int told(NoiseCount& count, const std::string& address, Noise kind, int times) {
  int told = 0;
  for (int i = 0; i < times; ++i) told += count.may_tell(address, 7, kind) ? 1 : 0;
  return told;
}
}  // namespace

TEST_CASE("an address has so many failures of a kind told, and the rest summed up") {
  NoiseCount count;
  CHECK(told(count, "192.0.2.7", Noise::refused, 500) == 20);
  CHECK(told(count, "192.0.2.7", Noise::limited, 500) == 1);
  CHECK(told(count, "192.0.2.8", Noise::refused, 1) == 1);
  const auto sums = count.sum_up(10s);
  REQUIRE(sums.size() == 2);
  CHECK(sums[0].client == "192.0.2.7");
  CHECK(sums[0].count == 480);
  CHECK(sums[1].kind == Noise::limited);
  CHECK(count.remembered() == 0);
  CHECK(told(count, "192.0.2.7", Noise::refused, 1) == 1);
}

TEST_CASE("forged addresses have a bound together, in lines and in memory") {
  NoiseCount count;
  int all = 0;
  for (int i = 0; i < 30'000; ++i)
    all += told(count, fmt::format("10.{}.{}.1", i / 250, i % 250), Noise::refused, 20);
  CHECK(all == 2000);
  CHECK(count.remembered() <= 10'001);
  const auto sums = count.sum_up(10s);
  CHECK(sums.size() == 51);
  CHECK(sums.back().client == "other addresses");
  std::uint64_t left = 0;
  for (const auto& sum : sums) left += sum.count;
  CHECK(left == 600'000 - 2000);
}

TEST_CASE("a thousand access points with a wrong path are each told of, though a few make noise") {
  NoiseCount count;
  for (int i = 0; i < 60; ++i) told(count, fmt::format("10.0.0.{}", i), Noise::refused, 100);
  for (int i = 0; i < 400; ++i)
    CHECK(told(count, fmt::format("10.1.{}.{}", i / 250, i % 250), Noise::refused, 1) == 1);
}

TEST_CASE("neighbours in IPv6 make noise together") {
  NoiseCount count;
  int all = 0;
  for (int i = 0; i < 100; ++i) all += told(count, fmt::format("2001:db8::{:x}", i), Noise::refused, 1);
  CHECK(all == 20);
}
