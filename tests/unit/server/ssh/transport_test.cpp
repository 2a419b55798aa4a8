#include "server/ssh/transport.hpp"

#include <doctest/doctest.h>

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
constexpr std::uint32_t by_protocol_error = 2;

}  // namespace

TEST_CASE("requests that come while keys are exchanged are answered after that") {
  Visited house;
  SftpChannel sftp(house.client);
  const auto handle = sftp.open(image_name);
  for (int i = 0; i < 20; ++i)
    sftp.send(SshFields(test::sftp_packet::read).u32(8).string(handle).u64(1000).u32(4000));
  house.client.ssh.exchange_keys();
  for (int i = 0; i < 20; ++i) {
    std::size_t place = 5;
    CHECK(fuzz::string_at(sftp.answer(), place) == SshHouse::image().substr(1000, 4000));
  }
}

TEST_CASE("before a login a client may send forty packets that are not part of one") {
  SshHouse house;
  SshVisitor client(house);
  client.agree();
  const auto padding = SshFields(packet::ignore).string("padding");
  for (int i = 0; i < 20; ++i) client.send(padding);
  CHECK(kind_of(client.answer_to(SshVisitor::login("ewc", "none"))) == packet::userauth_failure);
  for (int i = 0; i < 30; ++i) client.send(padding);
  CHECK(client.farewell() == Farewell{by_protocol_error, "too many packets that are no login"});
}

TEST_CASE("after a login a flood of packets that ask for nothing ends the connection") {
  Visited house;
  const auto nothing = SshFields(packet::ignore).string("");
  for (int i = 0; i < 20'000 && !house.client.gone(); ++i) {
    house.client.send(nothing);
    if (i % 500 == 0) house.settle();
  }
  CHECK(house.client.farewell().text == "too many packets that ask for nothing");
  CHECK(house.only<event::SshEnded>().how == event::SshEnd::disconnecting);
}
