#include "server/text/limit_name.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <string>

#include "conf/load.hpp"
#include "server/events/ssh.hpp"
#include "server/events/syslog.hpp"
#include "server/events/tftp.hpp"

using namespace server;
using event::Limit;
using event::SshLimit;
using event::SyslogLimit;

namespace {

// Takes the key at its word: a configuration with it is read.
void is_key_of(const char* section, std::string_view name) {
  CAPTURE(name);
  const auto* value = name == "allow" || name == "deny" ? "[192.0.2.0/24]"
                      : name == "max_unauthenticated"   ? "\"10:30:20\""
                                                        : "7";
  CHECK_NOTHROW(conf::load_text(fmt::format("{}:\n  {}: {}\n", section, name, value), "test"));
}

}  // namespace

TEST_CASE("each limit is told by the key that the administrator can change") {
  std::set<std::string_view> names;
  for (const auto limit : {Limit::requests_per_second, Limit::denied, Limit::not_allowed,
                           Limit::transfers_per_address, Limit::transfers}) {
    is_key_of("tftp", limit_name(limit));
    names.insert(limit_name(limit));
  }
  for (const auto limit : {SshLimit::unauthenticated_per_address, SshLimit::unauthenticated,
                           SshLimit::sessions_per_address, SshLimit::sessions}) {
    is_key_of("ssh", limit_name(limit));
    names.insert(limit_name(limit));
  }
  CHECK(names.size() == 9);
  std::set<std::string_view> of_syslog;
  for (const auto limit :
       {SyslogLimit::not_allowed, SyslogLimit::lines_per_second, SyslogLimit::lines_per_second_in_all}) {
    is_key_of("syslog", limit_name(limit));
    of_syslog.insert(limit_name(limit));
  }
  CHECK(of_syslog.size() == 3);
}

TEST_CASE("limits that differ in whom they count are not mixed up") {
  CHECK(limit_name(Limit::denied) == "deny");
  CHECK(limit_name(Limit::not_allowed) == "allow");
  CHECK(limit_name(Limit::transfers_per_address) == "max_transfers_per_address");
  CHECK(limit_name(Limit::transfers) == "max_transfers");
  CHECK(limit_name(SshLimit::unauthenticated_per_address) == "max_unauthenticated_per_address");
  CHECK(limit_name(SshLimit::sessions_per_address) == "max_sessions_per_address");
  CHECK(limit_name(SshLimit::sessions) == "max_sessions");
  CHECK(limit_name(SshLimit::penalty) == "penalty");  // it has no key
  CHECK(limit_name(SyslogLimit::lines_per_second) == "max_lines_per_second");
  CHECK(limit_name(SyslogLimit::lines_per_second_in_all) == "max_lines_per_second_in_all");
}
