#include "server/page/setup_code.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace server;

TEST_CASE("a code is eight characters that nobody takes for others, and another one each time") {
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) {
    SetupCode code;
    code.make();
    REQUIRE(code.text());
    CHECK(code.text()->size() == 9);
    CHECK(code.text()->at(4) == '-');
    CHECK(code.text()->find_first_of("01IO") == std::string::npos);
    made.insert(*code.text());
  }
  CHECK(made.size() == 100);
}

TEST_CASE("a code is taken however it is written, and nothing else is") {
  SetupCode code;
  CHECK_FALSE(code.is(""));
  code.make();
  auto lower = *code.text();
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  CHECK(code.is(*code.text()));
  CHECK(code.is(lower));
  CHECK(code.is(" " + lower.substr(0, 4) + lower.substr(5)));
  for (const auto& wrong :
       {std::string(), code.text()->substr(1), *code.text() + "A", std::string("AAAA-AAAA")})
    CHECK_FALSE(code.is(wrong));
  code.forget();
  CHECK_FALSE(code.is(lower));
}
