#include "server/ssh/disconnect.hpp"

#include <doctest/doctest.h>

#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using ssh::Disconnect;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
namespace packet = test::packet;

namespace {

// The server's last packet to a client, whole.
std::string last_packet(SshHouse& house, SshVisitor& client) {
  house.until([&] { return client.gone(); });
  REQUIRE(client.has_mail());
  auto last = client.next();
  while (client.has_mail()) last = client.next();
  return last;
}

}  // namespace

// libssh alone would send code 11, which clients take for the server's own wish.
TEST_CASE("a client that did wrong gets code 2 with the reason, in one well-formed packet") {
  SshHouse house;
  SshVisitor client(house);
  client.agree();
  for (int i = 0; i < 50; ++i) client.send(SshFields(packet::ignore).string("x"));
  const auto last = last_packet(house, client);
  const std::string reason = "too many packets that are no login";
  CHECK(last.substr(0, 1 + 4 + 4 + reason.size()) ==
        SshFields(packet::disconnect).u32(2).string(reason).text());
  std::size_t place = 5 + 4 + reason.size();
  const auto language = fuzz::string_at(last, place);
  CHECK(place == last.size());
  // What libssh appends, which no client shows.
  CHECK(language == SshFields(packet::disconnect).u32(11).string(reason).string("").text());
}

TEST_CASE("a server that ends by itself gives code 11, and nothing else") {
  SshHouse house;
  SshVisitor client(house);
  client.log_in();
  house.service.stop_sessions();
  CHECK(last_packet(house, client) ==
        SshFields(packet::disconnect).u32(11).string("the server is shutting down").string("").text());
}

TEST_CASE("a session that was never connected takes a farewell without harm, with a text or without") {
  for (const auto code : {Disconnect::protocol_error, Disconnect::by_application}) {
    for (const auto* text : {"", "why"}) {
      const ssh::Session session(ssh_new());
      ssh::disconnect(session.get(), code, text);
      CHECK(ssh_is_connected(session.get()) == 0);
      ssh::disconnect(session.get(), code, text);
    }
  }
}
