#include "server/api/recent_log.hpp"

#include <doctest/doctest.h>

using namespace server;

namespace {

const RecentLog::Clock::time_point at{};

}  // namespace

TEST_CASE("the last lines are kept, with ids that go on") {
  RecentLog log;
  for (std::size_t i = 0; i < RecentLog::most_lines + 5; ++i) log.note(conf::LogLevel::normal, "a", "b", at);
  CHECK(log.lines().size() == RecentLog::most_lines);
  CHECK(log.lines().front().id == 6);
  CHECK(log.last() == RecentLog::most_lines + 5);
}

TEST_CASE("long lines take the place of many") {
  RecentLog log;
  for (int i = 0; i < 10; ++i)
    log.note(conf::LogLevel::normal, std::string(RecentLog::most_bytes / 3, 'a'), "", at);
  CHECK(log.lines().size() == 3);
}

TEST_CASE("a filter takes a level and what is below it, and a text whatever its case") {
  const RecentLog::Line line{1, at, conf::LogLevel::normal, "in.tftpd[7]: RRQ from 192.0.2.7",
                             "tftp.requested"};
  CHECK(RecentLog::Filter{}.takes(line));
  CHECK(RecentLog::Filter{conf::LogLevel::normal, "rrq FROM"}.takes(line));
  CHECK_FALSE(RecentLog::Filter{conf::LogLevel::quiet, ""}.takes(line));
  CHECK_FALSE(RecentLog::Filter{conf::LogLevel::debug, "WRQ"}.takes(line));
}
