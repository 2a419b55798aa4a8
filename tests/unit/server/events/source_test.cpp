#include "server/events/source.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace server;

TEST_CASE("lines are counted for an address, and in IPv6 for the network that one host may have") {
  struct Row {
    const char *client, *source;
  };
  for (const auto& [client, source] :
       {Row{"192.0.2.7", "192.0.2.7"}, Row{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        Row{"2001:db8:1:2::", "2001:db8:1:2::/64"}, Row{"2001:db8:1:3::6", "2001:db8:1:3::/64"},
        Row{"::1", "::/64"},
        // The neighbours of a link have one /64 in common.
        Row{"fe80::1", "fe80::1"}, Row{"fe80::2", "fe80::2"}, Row{"febf:ffff::1", "febf:ffff::1"},
        Row{"fec0::1", "fec0::/64"},
        // One host, whichever socket heard it.
        Row{"::ffff:192.0.2.7", "192.0.2.7"}}) {
    CAPTURE(client);
    CHECK(log_source(client) == source);
  }
}

TEST_CASE("what is not an address is counted by itself") {
  for (const std::string client : {"", "unix", "user ewc", "2001:db8::x", "1:2:3", "::::", "\x1b:\n"}) {
    CAPTURE(client);
    CHECK(log_source(client) == client);
  }
  const auto long_one = std::string(100'000, ':');
  CHECK(log_source(long_one) == long_one);
}
