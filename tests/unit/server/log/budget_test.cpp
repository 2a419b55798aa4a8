#include "server/log/budget.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "conf/log.hpp"
#include "server/events/event.hpp"
#include "server/events/import.hpp"
#include "server/events/process.hpp"
#include "server/events/sftp.hpp"
#include "server/events/ssh.hpp"
#include "server/events/tftp.hpp"
#include "server/events/warning.hpp"

using namespace server;
using namespace std::chrono_literals;
using Kind = LogBudget::Kind;

namespace {

const LogBudget::Clock::time_point start{1h};

// Emits as the server does, and counts what is told.
struct Log {
  LogBudget budget;
  LogBudget::Clock::time_point now = start;
  conf::LogLevel level = conf::LogLevel::verbose;

  bool tell(const Event& event, std::size_t bytes = 100) {
    if (!budget.takes(event, level, now)) return false;
    budget.spend(bytes);
    return true;
  }
  std::uint32_t tell(const Event& event, int times, std::size_t bytes = 100) {
    std::uint32_t told = 0;
    for (int i = 0; i < times; ++i) told += tell(event, bytes) ? 1 : 0;
    return told;
  }
  void login(std::uint64_t number, const std::string& user, const std::string& client) {
    tell(event::SshNegotiated{number, client, 22, "b", "", "", "", "", "", ""});
    tell(event::LoggedIn{number, user, client, 22, "password"});
  }
};

constexpr auto purse(Kind kind) { return LogBudget::purses[static_cast<std::size_t>(kind)]; }
event::TftpRequested request(const std::string& client) { return {7, client, "/x", false, {}}; }
event::LoginFailed failed_login(const std::string& client) { return {8, "root", client, 22, "password"}; }
event::SftpHappened stat(std::uint64_t number) { return {number, sftp::event::Stat{"/x", true}}; }

}  // namespace

TEST_CASE("an address has so many lines in ten seconds, and the rest is one line") {
  Log log;
  CHECK(log.tell(request("192.0.2.7"), 5000) == purse(Kind::tftp).address);
  CHECK(log.tell(request("192.0.2.8")));
  REQUIRE(log.budget.owes());
  CHECK(log.budget.ends() == start + 10s);
  const auto sums = log.budget.left_out(start + 10s);
  REQUIRE(sums.size() == 1);
  CHECK(sums[0].about == "192.0.2.7");
  CHECK(sums[0].lines == 5000 - purse(Kind::tftp).address);
  CHECK_FALSE(log.budget.owes());
  log.now += 10s;
  CHECK(log.tell(request("192.0.2.7")));
}

TEST_CASE("a new period begins by itself when nothing was left out") {
  Log log;
  CHECK(log.tell(request("192.0.2.7"), 2000) == 2000);
  log.now += 10s;
  CHECK(log.tell(request("192.0.2.7"), 2000) == 2000);
  CHECK(log.budget.remembered() == 1);
}

TEST_CASE("a long line costs more") {
  Log log;
  CHECK(log.tell(request("192.0.2.7"), 5000, 1100) == purse(Kind::tftp).address / 3 + 1);
}

TEST_CASE("whoever floods the log hides neither his failed logins nor what others do") {
  Log log;
  log.tell(request("192.0.2.7"), 20'000);
  log.login(9, "ewc", "192.0.2.7");
  log.tell(stat(9), 20'000);
  log.tell(event::SshRefused{9, "x"}, 20'000);
  CHECK(log.tell(failed_login("192.0.2.7"), 100) == 100);
  CHECK(log.tell(event::SshPenalised{9, "192.0.2.7", 60s, event::Offence::failed_login}));
  CHECK(log.tell(event::ImportRejected{"x.zip", "y", "rejected/x.zip"}));
  CHECK(log.tell(event::Warned{Warning::images, "x"}));
  log.tell(event::Warned{Warning::images, "x"}, 5000);
  CHECK(log.tell(event::ImportFailed{"x.zip", "y"}));
  CHECK(log.tell(request("192.0.2.8")));
}

TEST_CASE("a thousand access points behind one address, or each with its own, are told of") {
  Log log;
  CHECK(log.tell(request("192.0.2.7"), 2000) == 2000);
  for (int i = 0; i < 2000; ++i)
    CHECK(log.tell(request(fmt::format("10.0.{}.{}", i / 250, i % 250)), 2) == 2);
  CHECK_FALSE(log.budget.owes());
}

TEST_CASE("all together have so many, and the last quarter is for those who had little") {
  Log log;
  for (int i = 0; i < 10; ++i) log.tell(request(fmt::format("10.0.0.{}", i)), 5000);
  CHECK(log.tell(request("192.0.2.8"), 100) == 100);
  std::uint32_t told = 0;
  for (int i = 0; i < 20'000; ++i) told += log.tell(request(fmt::format("10.1.{}.{}", i / 250, i % 250)), 1);
  CHECK(told == 150);  // 2 * 2500, 1000, 7 * 250 and 100 are told already
  CHECK_FALSE(log.tell(request("192.0.2.9")));
  CHECK(log.tell(failed_login("192.0.2.9")));  // forged TFTP requests do not hide what SSH says
  CHECK(log.budget.remembered() <= 10'001);
}

TEST_CASE("what was left out of ten thousand addresses is some lines") {
  Log log;
  log.tell(request("192.0.2.7"));
  for (int i = 0; i < 30'000; ++i) log.tell(request(fmt::format("10.{}.{}.1", i / 250, i % 250)));
  log.tell(request("192.0.2.7"), 100);
  const auto sums = log.budget.left_out(log.now);
  CHECK(sums.size() == 51);
  CHECK(sums[0].about == "192.0.2.7");
  CHECK(sums.back().about == "others");
  std::uint64_t lines = 0;
  for (const auto& sum : sums) lines += sum.lines;
  CHECK(lines == 30'101 - purse(Kind::tftp).all);
}

TEST_CASE("neighbours in IPv6 count as one") {
  Log log;
  std::uint32_t told = 0;
  for (int i = 0; i < 5000; ++i) told += log.tell(request(fmt::format("2001:db8:1:1::{:x}", i)), 1);
  CHECK(told == purse(Kind::tftp).address);
  CHECK(log.tell(request("2001:db8:1:2::1")));
  CHECK(log.budget.left_out(log.now)[0].about == "2001:db8:1:1::/64");
}

TEST_CASE("what a session does counts for its address, and for its user from wherever") {
  Log log;
  log.login(9, "ewc", "192.0.2.7");
  CHECK(log.tell(stat(9), 5000) == purse(Kind::ssh).address - 1);  // and the line of the agreement
  CHECK_FALSE(log.tell(event::SessionClosed{10, "guest", "192.0.2.7"}));
  log.login(11, "ewc", "192.0.2.8");
  CHECK(log.tell(stat(11), 10) == 1);
  log.login(12, "guest", "192.0.2.8");
  CHECK(log.tell(stat(12)));
}

TEST_CASE("a session is forgotten at its end, and a name that failed to log in is nobody's") {
  Log log;
  log.login(9, "ewc", "192.0.2.7");
  log.tell(event::SshEnded{9, "ewc", "192.0.2.7", 22, event::SshEnd::closed, ""});
  log.tell(stat(9), 3000);
  CHECK(log.tell(event::SessionOpened{10, "ewc", "192.0.2.7"}));
  for (int i = 0; i < 3; ++i) log.tell(failed_login(fmt::format("10.0.0.{}", i)), 400);
  CHECK(log.tell(event::LoggedIn{20, "root", "192.0.2.9", 22, "password"}));
  Log many;
  for (std::uint64_t i = 0; i < 20'000; ++i) many.login(i, "ewc", "192.0.2.7");
  CHECK(many.budget.remembered() < 10'100);
}

TEST_CASE("what is not shown at this level is neither told nor missed") {
  Log log;
  log.level = conf::LogLevel::normal;
  CHECK(log.tell(stat(9), 10'000) == 0);
  CHECK_FALSE(log.budget.owes());
}
