#include "server/doctor/logins.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

TEST_CASE("somebody must be able to log in, and see a folder") {
  conf::User user;
  user.name = "ewc";
  CHECK(judge_logins({{user}, {}, {}}).findings() == std::vector<Finding>{{State::ok, "ewc", ""}});
  CHECK(judge_logins({{}, {}, {}}).findings().front().fix == "apdepot user add ewc");
  CHECK(judge_logins({{user}, {}, {"ewc"}}).state() == State::fails);
  const auto open = judge_logins({{}, {"users.yaml: holds password hashes; run: chmod 600 users.yaml"}, {}});
  CHECK(open.findings() ==
        std::vector<Finding>{{State::fails, "users.yaml: holds password hashes", "chmod 600 users.yaml"}});
}
