#include "server/api/verdict.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace server;

namespace {

std::vector<std::string> codes(const Situation& situation) {
  std::vector<std::string> all;
  for (const auto& each : verdicts_of(situation)) all.emplace_back(each.code);
  return all;
}

Situation all_wrong() {
  Situation at;
  at.draining = true;
  at.failing = {{"port 69", "held by tftpd", "systemctl disable --now tftpd-hpa"}};
  at.misses = {{"192.0.2.7", "WRONG_DIRECTORY", "/Wrong-Path/ap1g8", "tftp-image-path /EWC/17_9_4a", "why"},
               {"192.0.2.8", "WRONG_DIRECTORY", "/Wrong-Path/ap1g7", "", ""},
               {"192.0.2.7", "LOOKALIKE", "/EWC/aplg8", "", ""}};
  at.heard = {{"9120-EWC", "it asks 192.0.2.9", "tftp-image-server 192.0.2.2"}};
  at.running = 3, at.stalled = 1;
  at.broken = {{"192.0.2.7", "ap1g8", 5}, {"192.0.2.7", "ap1g8", 5}, {"192.0.2.8", "ap1g8", 7}};
  at.rejected = {{"a.zip", "its end is cut off"}};
  at.free = 100, at.largest = 51, at.oldest = "/EWC/17_3_3";
  at.goal = {"17.9.4a", 37, 52, 8, true};
  at.certificate_days = 29;
  return at;
}

}  // namespace

TEST_CASE("verdicts stand in the order in which they matter") {
  CHECK(codes(all_wrong()) == std::vector<std::string>{"DRAINING", "DOCTOR", "MISSES", "MISSES", "HEARD",
                                                       "STALLED", "BROKE_OFF", "BROKE_OFF", "IMPORT_REJECTED",
                                                       "DISK", "NEVER_SEEN", "CERTIFICATE"});
}

TEST_CASE("misses of one cause in one folder are one, with the newest one's fix") {
  const auto verdicts = verdicts_of(all_wrong());
  CHECK(verdicts[2].state == Concern::fails);
  CHECK(verdicts[2].text ==
        "2 devices got no image in the last 15 minutes: WRONG_DIRECTORY, 192.0.2.7 and 1 more");
  CHECK(verdicts[2].fix == "tftp-image-path /EWC/17_9_4a");
  CHECK(verdicts[2].link == "misses?cause=WRONG_DIRECTORY");
  CHECK(verdicts[3].text == "1 device got no image in the last 15 minutes: LOOKALIKE, 192.0.2.7");
}

TEST_CASE("what a device says in its own log is told as its word") {
  const auto verdicts = verdicts_of(all_wrong());
  CHECK(verdicts[4].state == Concern::look);
  CHECK(verdicts[4].text == "9120-EWC says in its log: it asks 192.0.2.9");
  CHECK(verdicts[4].fix == "tftp-image-server 192.0.2.2");
}

TEST_CASE("twice at the same byte hints at the flash, and at different bytes at the way") {
  auto at = all_wrong();
  const auto broken = [&] {
    for (const auto& each : verdicts_of(at))
      if (each.code == "BROKE_OFF") return each;
    return Verdict{};
  };
  CHECK(broken().text == "ap1g8 to 192.0.2.7 broke off 2 times in the last 15 minutes");
  CHECK(broken().detail.find("flash") != std::string::npos);
  at.broken[1].bytes = 6;
  CHECK(broken().detail.find("loses packets") != std::string::npos);
}

TEST_CASE("a certificate is told before it ends and after that") {
  Situation at;
  at.certificate_days = 0;
  CHECK(verdicts_of(at)[0].text == "the certificate for HTTPS ends in 0 days");
  at.certificate_days = -1;
  CHECK(verdicts_of(at)[0].text == "the certificate for HTTPS has ended: clients refuse it");
}

TEST_CASE("what is not so bad is not told, and then all is well") {
  Situation at;
  CHECK(codes(at) == std::vector<std::string>{"OK"});
  CHECK(verdicts_of(at)[0].text == "All is well: no transfer runs");
  at.running = 3;
  at.goal = {"17.9.4a", 37, 52, 8, false};
  at.free = 102, at.largest = 51;
  at.certificate_days = 30;
  const auto verdicts = verdicts_of(at);
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts[0].state == Concern::ok);
  CHECK(verdicts[0].text == "All is well: 3 transfers run, 37 of 52 have 17.9.4a");
  CHECK(
      to_json(verdicts[0]) ==
      R"({"state":"ok","code":"OK","text":"All is well: 3 transfers run, 37 of 52 have 17.9.4a","detail":"","fix":"","link":"now"})");
}
