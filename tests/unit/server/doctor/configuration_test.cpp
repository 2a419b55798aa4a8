#include "server/doctor/configuration.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

TEST_CASE("each mistake fails, and a warning with a command is to look at") {
  CHECK(judge_configuration("a.yaml", {}, {}).findings() ==
        std::vector<Finding>{{State::ok, "a.yaml has no mistakes", ""}});
  CHECK(judge_configuration("", {}, {}).state() == State::ok);
  const auto result = judge_configuration("a.yaml", {"a.yaml:3: tftp.x is not a key"},
                                          {"a.yaml: holds password hashes; run: chmod o= a.yaml"});
  CHECK(result.findings() ==
        std::vector<Finding>{{State::fails, "a.yaml:3: tftp.x is not a key", ""},
                             {State::look, "a.yaml: holds password hashes", "chmod o= a.yaml"}});
}
