#include "server/syslog/limits.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "conf/network.hpp"
#include "conf/settings.hpp"
#include "server/events/syslog.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::SyslogLimit;

namespace {

const SyslogLimits::Clock::time_point start{1h};

conf::Syslog settings() {
  conf::Syslog made;
  made.allow = {*conf::parse_network("192.0.2.0/24"), *conf::parse_network("2001:db8::/32")};
  made.max_lines_per_second = 10;
  made.max_lines_per_second_in_all = 50;
  return made;
}

net::ip::address address(const std::string& text) { return net::ip::make_address(text); }

// Of so many lines at once.
int taken(SyslogLimits& limits, const std::string& client, int lines, SyslogLimits::Clock::time_point now) {
  int count = 0;
  for (int i = 0; i < lines; ++i) count += limits.knock(address(client), settings(), now) ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("who is not listed may not send, and without a list nobody may") {
  SyslogLimits limits;
  CHECK_FALSE(limits.knock(address("192.0.2.7"), settings(), start));
  CHECK_FALSE(limits.knock(address("::ffff:192.0.2.7"), settings(), start));
  CHECK_FALSE(limits.knock(address("2001:db8::7"), settings(), start));
  CHECK(limits.knock(address("198.51.100.7"), settings(), start) == SyslogLimit::not_allowed);
  auto none = settings();
  none.allow.clear();
  CHECK(limits.knock(address("192.0.2.7"), none, start) == SyslogLimit::not_allowed);
  CHECK(limits.remembered() == 2);
}

TEST_CASE("an address has a burst of two seconds, and then its rate") {
  SyslogLimits limits;
  CHECK(taken(limits, "192.0.2.7", 100, start) == 20);
  CHECK(limits.knock(address("192.0.2.7"), settings(), start) == SyslogLimit::lines_per_second);
  CHECK(taken(limits, "192.0.2.7", 100, start + 1s) == 10);
  CHECK(taken(limits, "192.0.2.8", 100, start + 1s) == 20);
}

TEST_CASE("a /64 of IPv6 is one address") {
  SyslogLimits limits;
  int count = 0;
  for (int i = 1; i < 100; ++i) count += taken(limits, fmt::format("2001:db8::{:x}", i), 1, start);
  CHECK(count == 20);
  CHECK(limits.remembered() == 1);
}

TEST_CASE("all together have a rate too") {
  SyslogLimits limits;
  int count = 0;
  for (int i = 1; i < 20; ++i) count += taken(limits, fmt::format("192.0.2.{}", i), 20, start);
  CHECK(count == 100);
  CHECK(limits.knock(address("192.0.2.77"), settings(), start) == SyslogLimit::lines_per_second_in_all);
}

TEST_CASE("forged addresses take no more memory than a bound") {
  SyslogLimits limits;
  for (unsigned i = 0; i < 20'000; ++i)
    limits.knock(address(fmt::format("2001:db8:{:x}:{:x}::1", i / 1000, i % 1000)), settings(),
                 start + std::chrono::milliseconds(i / 100));
  CHECK(limits.remembered() <= SyslogLimits::most_remembered + 1);
}
