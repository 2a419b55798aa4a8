#include "server/doctor/check.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace server::doctor;

TEST_CASE("each check has an id and a title of its own, and is found by both") {
  std::set<std::string_view> ids, titles;
  for (const auto* check : checks()) {
    CHECK(ids.insert(check->id).second);
    CHECK(titles.insert(check->title).second);
    CHECK(check->id.find(' ') == check->id.npos);
    CHECK(find_check(check->id) == check);
    CHECK(find_check(check->title) == check);
  }
  CHECK(find_check("nothing") == nullptr);
}

TEST_CASE("a mistyped id names the nearest one, and one that is far from all names all") {
  CHECK(near_ids("port69") == "did you mean port-69?");
  CHECK(near_ids("firewal") == "did you mean firewall?");
  CHECK(near_ids("xyzzyxyzzy").starts_with("the checks are config, depot-rights,"));
}

TEST_CASE("with mistakes in the configuration nothing else is judged") {
  Sight sight;
  sight.mistakes = {"a.yaml:1: no"};
  CHECK(result_of(configuration_check, sight).state() == State::fails);
  CHECK(result_of(mtu_check, sight).state() == State::unknown);
}

TEST_CASE("a check of the depot says why there is none") {
  Sight sight;
  sight.no_depot = "there is no depot";
  CHECK(result_of(drop_check, sight).findings() ==
        std::vector<Finding>{{State::unknown, "there is no depot", ""}});
}
