#include "server/doctor/result.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

TEST_CASE("a result without a finding is ok, and the worst finding stands first") {
  CHECK(Result().or_ok("fine").findings() == std::vector<Finding>{{State::ok, "fine", ""}});
  Result result;
  result.unknown("hidden");
  result.look("odd", "a");
  result.fails("broken", "b");
  result.look("odd too");
  CHECK(result.state() == State::fails);
  const auto all = std::move(result).or_ok("fine").findings();
  CHECK(all == std::vector<Finding>{{State::fails, "broken", "b"},
                                    {State::look, "odd", "a"},
                                    {State::look, "odd too", ""},
                                    {State::unknown, "hidden", ""}});
}
