#include "server/doctor/algorithms.hpp"

#include <doctest/doctest.h>

#include "conf/ssh.hpp"

using namespace server::doctor;
using conf::Compatibility;

TEST_CASE("a device that was refused for its algorithms is named with its offer, until it is let in") {
  const std::vector<RefusedForAlgorithms> refused{
      {"192.0.2.7", "key exchange method: old", true},
      {"192.0.2.8", "cipher: none-of-ours", false},
      {"192.0.2.7", "key exchange method: diffie-hellman-group1-sha1", true},
      {"192.0.2.9", "nothing", false}};
  CHECK(judge_algorithms(refused, Compatibility::modern).findings() ==
        std::vector<Finding>{
            {State::look, "192.0.2.9 was refused within 7 days: no nothing in common, it offers",
             "ssh.kex, ssh.ciphers, ssh.macs: [...] with one of these"},
            {State::look,
             "192.0.2.7 was refused within 7 days: no key exchange method in common, it offers "
             "diffie-hellman-group1-sha1",
             "ssh.compatibility: legacy"},
            {State::look, "192.0.2.8 was refused within 7 days: no cipher in common, it offers none-of-ours",
             "ssh.kex, ssh.ciphers, ssh.macs: [...] with one of these"}});
  CHECK(judge_algorithms({refused[0], refused[2]}, Compatibility::legacy).state() == State::ok);
  CHECK(judge_algorithms({}, Compatibility::modern).state() == State::ok);
}

TEST_CASE("many refused devices are told as a few and a number") {
  std::vector<RefusedForAlgorithms> refused;
  for (int i = 0; i < 100; ++i) refused.push_back({"192.0.2." + std::to_string(i), "cipher: x", true});
  const auto found = judge_algorithms(refused, Compatibility::modern).findings();
  REQUIRE(found.size() == 6);
  CHECK(found.back().found == "95 more devices were refused so");
}
