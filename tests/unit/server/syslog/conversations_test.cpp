#include "server/syslog/conversations.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;
using storage::LogMessage;
using Kind = LogMessage::Kind;

namespace {

const Conversations::Clock::time_point start{1h};

LogMessage asked(std::string image, std::string controller = "") {
  LogMessage message{Kind::device_asked};
  message.image = std::move(image);
  message.peer = std::move(controller);
  return message;
}

}  // namespace

TEST_CASE("what a device said before is remembered for a while, each device by itself") {
  Conversations talks;
  REQUIRE(talks.hear("192.0.2.7", asked("ap1g8"), start));
  CHECK(talks.hear("192.0.2.7", {Kind::cannot_start}, start + 1s)->asked->image == "ap1g8");
  CHECK_FALSE(talks.hear("192.0.2.8", {Kind::cannot_start}, start + 1s)->asked);
  CHECK_FALSE(talks.hear("192.0.2.7", {Kind::cannot_start}, start + Conversations::memory + 2s)->asked);
}

TEST_CASE("after a failure with a cause the lines that follow from it are nothing new") {
  Conversations talks;
  CHECK(talks.hear("192.0.2.7", {Kind::device_failed}, start));
  CHECK(talks.hear("192.0.2.7", {Kind::failed}, start + 5s));
  CHECK_FALSE(talks.hear("192.0.2.7", {Kind::device_failed}, start + 6s));
  CHECK_FALSE(talks.hear("192.0.2.7", {Kind::aborted}, start + 7s));
  CHECK(talks.hear("192.0.2.7", {Kind::failed}, start + 8s));
  CHECK(talks.hear("192.0.2.8", {Kind::device_failed}, start + 8s));
  CHECK(talks.hear("192.0.2.7", {Kind::device_failed}, start + 8s + Conversations::memory));
}

TEST_CASE("what an access point and its controller say of the same failure is told once") {
  struct Row {
    Kind of_controller;
    Kind of_device;
  };
  for (const auto& [of_controller, of_device] :
       {Row{Kind::device_failed, Kind::cannot_start}, Row{Kind::device_failed, Kind::aborted},
        Row{Kind::failed, Kind::cannot_start}, Row{Kind::failed, Kind::aborted}}) {
    Conversations talks;
    talks.hear("192.0.2.7", asked("ap1g8", "192.0.2.1"), start);
    CHECK(talks.hear("192.0.2.1", {of_controller}, start + 1s));
    CHECK_FALSE(talks.hear("192.0.2.7", {of_device}, start + 2s));
    CHECK(talks.hear("192.0.2.8", {of_device}, start + 2s));
    CHECK(talks.hear("192.0.2.7", {of_device}, start + 1s + Conversations::memory));
  }
  Conversations talks;
  talks.hear("192.0.2.7", asked("ap1g8", "192.0.2.1"), start);
  CHECK(talks.hear("192.0.2.7", {Kind::cannot_start}, start + 1s));
  CHECK_FALSE(talks.hear("192.0.2.7", {Kind::aborted}, start + 1s));
  CHECK_FALSE(talks.hear("192.0.2.1", {Kind::device_failed}, start + 2s));
  CHECK(talks.hear("192.0.2.2", {Kind::device_failed}, start + 2s));
  CHECK(talks.hear("192.0.2.1", {Kind::failed}, start + 3s));
  CHECK(talks.hear("192.0.2.1", {Kind::device_failed}, start + 3s + Conversations::memory));
}

TEST_CASE("the second access point of a controller that is not heard is told too") {
  Conversations talks;
  talks.hear("192.0.2.7", asked("ap1g8", "192.0.2.1"), start);
  talks.hear("192.0.2.8", asked("ap1g6", "192.0.2.1"), start);
  CHECK(talks.hear("192.0.2.7", {Kind::cannot_start}, start + 1s));
  CHECK(talks.hear("192.0.2.8", {Kind::cannot_start}, start + 2s));
}

TEST_CASE("after something went well a failure is new") {
  Conversations talks;
  CHECK(talks.hear("192.0.2.7", {Kind::certificate_over}, start));
  CHECK_FALSE(talks.hear("192.0.2.7", {Kind::signature_bad}, start));
  CHECK(talks.hear("192.0.2.7", {Kind::device_succeeded}, start + 1s));
  CHECK(talks.hear("192.0.2.7", {Kind::aborted}, start + 2s));
  CHECK(talks.hear("192.0.2.7", {Kind::signature_bad}, start + 3s));
}

TEST_CASE("many devices and long texts take no more memory than a few") {
  Conversations talks;
  for (int i = 0; i < 5'000; ++i)
    talks.hear("device " + std::to_string(i), asked(std::string(2'000, 'a')), start);
  CHECK(talks.remembered() == Conversations::most);
  CHECK(talks.hear("device 4999", {Kind::cannot_start}, start)->asked->image.size() == 512);
  CHECK_FALSE(talks.hear("device 0", {Kind::cannot_start}, start)->asked);
}
