#include "server/syslog/conversations.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;
using storage::LogMessage;
using Kind = LogMessage::Kind;

namespace {

const Conversations::Clock::time_point start{1h};

LogMessage asked(std::string image) {
  LogMessage message{Kind::device_asked};
  message.image = std::move(image);
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

TEST_CASE("many devices and long texts take no more memory than a few") {
  Conversations talks;
  for (int i = 0; i < 5'000; ++i)
    talks.hear("device " + std::to_string(i), asked(std::string(2'000, 'a')), start);
  CHECK(talks.remembered() == Conversations::most);
  CHECK(talks.hear("device 4999", {Kind::cannot_start}, start)->asked->image.size() == 512);
  CHECK_FALSE(talks.hear("device 0", {Kind::cannot_start}, start)->asked);
}
