#include "server/events/noise_count.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "server/events/tftp.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::Noise;

namespace {
// Each with a name of its own.
int told(NoiseCount& count, const std::string& address, Noise kind, int times) {
  int told = 0;
  for (int i = 0; i < times; ++i) told += count.may_tell(address, 7, kind, fmt::format("/{}", i)) ? 1 : 0;
  return told;
}
}  // namespace

TEST_CASE("an address has so many failures of a kind told, and the rest summed up") {
  NoiseCount count;
  CHECK(told(count, "192.0.2.7", Noise::refused, 500) == 100);
  CHECK(told(count, "192.0.2.8", Noise::refused, 1) == 1);
  const auto sums = count.sum_up(10s);
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].client == "192.0.2.7");
  CHECK(sums[0].count == 400);
  CHECK(sums[0].repeated.empty());
  CHECK(count.remembered() == 0);
  CHECK(told(count, "192.0.2.7", Noise::refused, 1) == 1);
}

TEST_CASE("each cause and name is told once, and how often it came again") {
  NoiseCount count;
  const auto tell = [&](Noise kind, std::string_view what) {
    return count.may_tell("192.0.2.7", 7, kind, what);
  };
  CHECK(tell(Noise::refused, "NOT_FOUND /a"));
  for (int i = 0; i < 30; ++i) CHECK_FALSE(tell(Noise::refused, "NOT_FOUND /a"));
  CHECK(tell(Noise::refused, "WRONG_CASE /a"));  // nobody's noise hides it
  CHECK(tell(Noise::refused, "NOT_FOUND /b"));
  CHECK_FALSE(tell(Noise::refused, "NOT_FOUND /b"));
  CHECK(tell(Noise::limited, "tftp.deny"));
  CHECK(tell(Noise::limited, "tftp.max_requests_per_second"));
  CHECK_FALSE(tell(Noise::limited, "tftp.deny"));
  const auto sums = count.sum_up(10s);
  REQUIRE(sums.size() == 2);
  CHECK(sums[0].count == 31);
  REQUIRE(sums[0].repeated.size() == 2);
  CHECK(sums[0].repeated[0].what == "NOT_FOUND /a");
  CHECK(sums[0].repeated[0].count == 30);
  CHECK(sums[0].repeated[1].what == "NOT_FOUND /b");
  CHECK(sums[1].kind == Noise::limited);
  REQUIRE(sums[1].repeated.size() == 1);
  CHECK(sums[1].repeated[0].what == "tftp.deny");
}

TEST_CASE("of a hostile name so much is kept, and no more") {
  NoiseCount count;
  CHECK(count.may_tell("192.0.2.7", 7, Noise::refused, std::string(5000, 'x')));
  CHECK_FALSE(count.may_tell("192.0.2.7", 7, Noise::refused, std::string(5000, 'x')));
  CHECK(count.sum_up(10s).at(0).repeated.at(0).what.size() == 300);
}

TEST_CASE("forged addresses have a bound together, in lines and in memory") {
  NoiseCount count;
  int all = 0;
  for (int i = 0; i < 30'000; ++i)
    all += told(count, fmt::format("10.{}.{}.1", i / 250, i % 250), Noise::refused, 20);
  CHECK(all == 2000);
  CHECK(count.remembered() <= 2001);
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
  for (int i = 0; i < 200; ++i)
    all += count.may_tell(fmt::format("2001:db8::{:x}", i), 7, Noise::refused, fmt::format("/{}", i)) ? 1 : 0;
  CHECK(all == 100);
}
