#include "server/history/shares_of_hour.hpp"

#include <doctest/doctest.h>

#include <string>

using server::SharesOfHour;

namespace {

constexpr SharesOfHour::Clock::time_point begin{std::chrono::hours(100)};

}  // namespace

TEST_CASE("one source has so many records in an hour, and the others theirs") {
  SharesOfHour shares;
  std::uint32_t taken = 0;
  while (shares.take("192.0.2.7", begin)) ++taken;
  CHECK(taken == SharesOfHour::most);
  CHECK(shares.may_tell());
  CHECK_FALSE(shares.may_tell());
  CHECK(shares.take("192.0.2.8", begin));
  CHECK_FALSE(shares.take("192.0.2.7", begin + std::chrono::minutes(59)));
  CHECK(shares.take("192.0.2.7", begin + std::chrono::hours(1)));
  CHECK(shares.may_tell());
}

TEST_CASE("sources beyond the bound share one part") {
  SharesOfHour shares;
  for (std::size_t i = 0; i < SharesOfHour::most_sources; ++i) CHECK(shares.take(std::to_string(i), begin));
  std::uint32_t taken = 0;
  while (shares.take("forged " + std::to_string(taken), begin)) ++taken;
  CHECK(taken == SharesOfHour::most);
  CHECK(shares.remembered() <= SharesOfHour::most_sources + 1);
  CHECK(shares.take("0", begin));
}
