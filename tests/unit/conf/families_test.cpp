#include "conf/families.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "conf/load.hpp"

namespace {

std::vector<std::string> families_of(std::string_view model) {
  std::vector<std::string> names;
  for (const auto& family : conf::families_for(model)) names.push_back(family.name);
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a model takes the image of its family, however the label writes it") {
  CHECK(families_of("C9120AXI") == Names{"ap1g7"});
  CHECK(families_of("c9120axi-e") == Names{"ap1g7"});
  CHECK(families_of("9120") == Names{"ap1g7"});
  CHECK(families_of("C9105AXW") == Names{"ap1g8"});
  CHECK(families_of("AIR-AP2802I-E-K9") == Names{"ap3g3"});
  CHECK(families_of("AIR-CAP3702E") == Names{"ap3g2", "c3700"});
  CHECK(families_of("AP1815w") == Names{"ap1g5"});
  CHECK(families_of("1810W") == Names{"ap1g4"});
  CHECK(families_of("AIR-AP1852I") == Names{"ap1g4"});
  CHECK(families_of("IW6300H") == Names{"ap3g3"});
}

TEST_CASE("what is no model of a series is none") {
  for (const auto* model : {"", "C", "C9121", "6300", "C91", "CW9120", "91200"}) {
    CAPTURE(model);
    CHECK(families_of(model).empty());
  }
}

TEST_CASE("what no source confirms is said to be so") {
  const auto all = conf::families();
  const auto family = std::ranges::find(all, "ap1g6a", &conf::Family::name);
  REQUIRE(family != all.end());
  CHECK(family->text() == "C9130, C9124 (unconfirmed)");
}

TEST_CASE("a table that is none is refused, with its line") {
  for (const auto* text : {"[]", "ap1g8: x", "ap1g8: {model: [x]}", "nonsense: {models: [x]}",
                           "ap1g8: {models: x}", "ap1g8: {models: [[x]]}", "ap1g8: {models: [\"\"]}"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(conf::parse_families(text, "table.yaml"), conf::ConfigError);
  }
}
