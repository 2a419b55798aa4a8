#include "server/events/warning.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string_view>

using namespace server;

TEST_CASE("each kind of warning has a name of its own") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < warning_kinds; ++i) names.insert(warning_name(static_cast<Warning>(i)));
  CHECK(names.size() == warning_kinds);
  CHECK_FALSE(names.contains(""));
  CHECK(warning_name(Warning::control_socket) == "control_socket");
}
