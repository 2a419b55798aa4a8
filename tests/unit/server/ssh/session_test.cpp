#include "server/ssh/session.hpp"

#include <doctest/doctest.h>

#include <list>
#include <string>

#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using test::Farewell;
using test::kind_of;
using test::SftpChannel;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
using test::Visited;
namespace packet = test::packet;

namespace {

constexpr auto image_name = "/EWC/17_9_4a/ap1g8";
constexpr std::uint32_t by_application = 11;

}  // namespace

TEST_CASE("what both sides agreed on is told once, and a later key exchange changes nothing for the client") {
  Visited house;
  SftpChannel sftp(house.client);
  const auto handle = sftp.open(image_name);
  for (int i = 0; i < 3; ++i) {
    house.client.ssh.exchange_keys();
    house.settle();
    CHECK(sftp.read(handle, 5000, 1000) == SshHouse::image().substr(5000, 1000));
  }
  const auto agreed = house.only<event::SshNegotiated>();
  CHECK(agreed.banner == "SSH-2.0-fuzz");
  CHECK(agreed.kex == "curve25519-sha256");
  CHECK(agreed.host_key == "ssh-ed25519");
  CHECK(agreed.cipher_in == "aes128-gcm@openssh.com");
  CHECK(agreed.cipher_out == "aes128-gcm@openssh.com");
  CHECK(agreed.mac_in == "<implicit>");
  CHECK(agreed.mac_out == "<implicit>");
  CHECK(agreed.port == house.client.port);
}

TEST_CASE("nothing but a login is heard before it") {
  for (const auto& request : {SshVisitor::channel_open("session", 0),
                              SshFields(packet::global_request).string("tcpip-forward").byte(1),
                              SshVisitor::request(43, "subsystem", SshFields().string("sftp"))}) {
    SshHouse house;
    SshVisitor client(house);
    client.agree();
    client.send(request);
    house.settle();
    while (client.has_mail()) {
      const auto answer = kind_of(client.next());
      CHECK(answer != packet::channel_opened);
      CHECK(answer != packet::channel_success);
    }
    CHECK(house.all<event::SessionOpened>().empty());
    CHECK(house.all<event::LoggedIn>().empty());
  }
}

TEST_CASE("a session without an open file ends as soon as the server drains, one with a file after that") {
  Visited house;
  SshVisitor idle(house), stranger(house);
  idle.log_in();
  const SftpChannel nothing_open(idle);
  stranger.agree();
  SftpChannel sftp(house.client);
  const auto handle = sftp.open(image_name);
  house.service.drain_sessions();
  const Farewell farewell{by_application, "the server is shutting down"};
  CHECK(idle.farewell() == farewell);
  CHECK(stranger.farewell() == farewell);
  CHECK(house.service.running() == 1);
  CHECK(sftp.read(handle, 0, 10) == SshHouse::image().substr(0, 10));
  house.settle();
  CHECK_FALSE(house.client.gone());
  CHECK(sftp.close(handle) == 0);
  CHECK(house.client.farewell() == farewell);
  house.until_empty();
}

TEST_CASE("the last line of a connection comes after those of all that was open") {
  Visited house;
  std::list<SftpChannel> channels;
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto& sftp = channels.emplace_back(house.client, i);
    for (int file = 0; file < 30; ++file) sftp.open(image_name);
  }
  house.told.clear();
  house.client.send(SshFields(packet::disconnect).u32(by_application).string("bye\n").string(""));
  house.client.move();
  house.until_empty();
  CHECK(house.all<event::TransferEnded>().size() == 90);
  CHECK(house.all<event::SessionClosed>().size() == 3);
  for (const auto& ended : house.all<event::TransferEnded>()) {
    CHECK(ended.how.cause == protocols::Cause::disconnected);
    CHECK(ended.bytes == 0);
  }
  std::size_t forced = 0;
  for (const auto& happened : house.all<event::SftpHappened>())
    forced += std::get<sftp::event::Close>(happened.what).forced ? 1U : 0U;
  CHECK(forced == 90);
  const auto* const end = house.told.back()->get_if<event::SshEnded>();
  REQUIRE(end);
  CHECK(end->how == event::SshEnd::disconnected);
  CHECK(end->why == "11:bye\n");
  CHECK(end->user == "ewc");
  CHECK(house.running.rows().empty());
}

TEST_CASE(
    "what was open when a connection broke was ended by the network, and when it closed by the client") {
  struct Row {
    bool resets;
    protocols::Cause cause;
    event::SshEnd how;
  };
  for (const auto& row : {Row{true, protocols::Cause::connection_lost, event::SshEnd::reset},
                          Row{false, protocols::Cause::disconnected, event::SshEnd::closed}}) {
    CAPTURE(row.resets);
    Visited house;
    SftpChannel sftp(house.client);
    sftp.read(sftp.open(image_name), 0, 100);
    house.settle();
    row.resets ? house.client.reset() : house.client.leave();
    house.until_empty();
    const auto ended = house.only<event::TransferEnded>();
    CHECK(ended.how.cause == row.cause);
    CHECK(ended.bytes == 100);
    CHECK(house.only<event::SshEnded>().how == row.how);
  }
}

TEST_CASE("the server's own end is the cause of what was open, and all of it is told before the loop ends") {
  Visited house;
  SftpChannel sftp(house.client);
  for (int file = 0; file < 100; ++file) sftp.open(image_name);
  house.settle();
  house.service.stop_sessions();
  CHECK(house.all<event::TransferEnded>().size() == 100);
  for (const auto& ended : house.all<event::TransferEnded>())
    CHECK(ended.how.cause == protocols::Cause::shutdown);
  CHECK(house.service.running() == 0);
}
