#include "server/ssh/channels.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using test::kind_of;
using test::SftpChannel;
using test::SshFields;
using test::SshVisitor;
using test::Visited;
namespace packet = test::packet;

namespace {

constexpr auto image_name = "/EWC/17_9_4a/ap1g8";

SshFields pty() { return SshFields().string("xterm").u32(80).u32(24).u32(0).u32(0).string(""); }

}  // namespace

TEST_CASE("ten channels are open at most, and one that the client has closed makes room at once") {
  Visited house;
  auto& client = house.client;
  const auto is_refused = [&client](std::uint32_t ours) {
    client.send(SshVisitor::channel_open("session", ours));
    return kind_of(client.next_of(ours)) == packet::open_failure;
  };
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < 10; ++i) open.push_back(client.open_channel(i));
  CHECK(is_refused(10));
  CHECK(house.refused() == std::vector<std::string>{"too many channels"});
  client.send(SshVisitor::about(packet::channel_close, open[3]));
  client.open_channel(11);
  CHECK(is_refused(12));
  client.send(SshVisitor::about(packet::channel_close, open[0]));
  client.send(SshVisitor::about(packet::channel_close, open[9]));
  house.settle();
  client.open_channel(13);
  client.open_channel(14);
  CHECK(is_refused(15));
}

TEST_CASE("there are channels for files only, and no way into the network") {
  const auto forwarding =
      SshVisitor::channel_open("direct-tcpip", 0).string("localhost").u32(22).string("localhost").u32(1);
  for (const auto& request : {forwarding, SshVisitor::channel_open("x11", 0).string("localhost").u32(6000),
                              SshVisitor::channel_open("forwarded-tcpip", 0)
                                  .string("localhost")
                                  .u32(22)
                                  .string("localhost")
                                  .u32(1)}) {
    Visited house;
    CHECK(kind_of(house.client.answer_to(request)) == packet::open_failure);
    CHECK(house.refused() == std::vector<std::string>{"a channel of another type than session"});
    house.client.open_channel(1);
  }
  Visited house;
  const auto listening =
      SshFields(packet::global_request).string("tcpip-forward").byte(1).string("").u32(8080);
  CHECK(kind_of(house.client.answer_to(listening)) == packet::request_failure);
  house.client.open_channel();
}

TEST_CASE("every request on a channel that is not for files is refused, and told once") {
  struct Row {
    const char* kind;
    SshFields more;
    const char* told;
    bool usual = false;
  };
  for (const auto& row :
       {Row{"exec", SshFields().string("ls -l"), "the command \"ls -l\": not scp"},
        Row{"exec", SshFields().string("scp -f a; reboot"),
            "the command \"scp -f a; reboot\": ';' would need a shell"},
        Row{"subsystem", SshFields().string("netconf"), "a subsystem"},
        Row{"subsystem", SshFields().string("sftp2"), "a subsystem"},
        Row{"subsystem", SshFields().string(""), "a subsystem"},
        Row{"env", SshFields().string("LANG").string("C"), "an environment variable", true},
        Row{"window-change", SshFields().u32(80).u32(24).u32(0).u32(0), "a window change", true},
        Row{"no-such-request", SshFields(), "a request", true},
        Row{"x11-req", SshFields().byte(0).string("MIT").string("00").u32(0), "a request"}}) {
    CAPTURE(std::string(row.kind));
    Visited house;
    const auto channel = house.client.open_channel();
    for (int i = 0; i < 3; ++i) {
      const auto answer = house.client.answer_to(SshVisitor::request(channel, row.kind, row.more));
      CHECK(kind_of(answer) == packet::channel_failure);
    }
    const auto refused = house.only<event::SshRefused>();
    CHECK(refused.what == row.told);
    CHECK(refused.usual == row.usual);
    CHECK_FALSE(refused.by_service);
    CHECK(house.client.answer_to(SshVisitor::request(channel, "subsystem", SshFields().string("sftp"))) ==
          SshVisitor::about(packet::channel_success, 0).text());
  }
}

TEST_CASE("of a long command 256 bytes are told") {
  for (const std::size_t size : {256U, 257U, 3000U}) {
    Visited house;
    const auto channel = house.client.open_channel();
    const std::string command(size, 'x');
    CHECK(kind_of(house.client.answer_to(
              SshVisitor::request(channel, "exec", SshFields().string(command)))) == packet::channel_failure);
    CHECK(house.refused() == std::vector<std::string>{"the command \"" + std::string(256, 'x') +
                                                      (size > 256 ? "..." : "") + "\": not scp"});
  }
}

TEST_CASE("a request that wants no reply gets none") {
  Visited house;
  const auto channel = house.client.open_channel();
  house.client.send(SshVisitor::request(channel, "env", SshFields().string("LANG").string("C"), false));
  house.client.send(SshVisitor::request(channel, "exec", SshFields().string("ls"), false));
  CHECK(house.client.answer_to(SshVisitor::request(channel, "subsystem", SshFields().string("sftp"))) ==
        SshVisitor::about(packet::channel_success, 0).text());
}

TEST_CASE("a person who asks for a shell is told how to come in, and the channel ends with the status 1") {
  Visited house;
  const auto channel = house.client.open_channel(5);
  CHECK(kind_of(house.client.answer_to(SshVisitor::request(channel, "pty-req", pty()))) ==
        packet::channel_success);
  CHECK(kind_of(house.client.answer_to(SshVisitor::request(channel, "shell"))) == packet::channel_success);
  CHECK(test::data_of(house.client.next_of(5)) == "this server speaks SFTP and SCP only: sftp -P " +
                                                      std::to_string(house.address.port()) +
                                                      " ewc@127.0.0.1\r\n");
  CHECK(test::exit_status_of(house.client, 5) == 1);
  CHECK(house.refused() == std::vector<std::string>{"a shell"});
  CHECK(house.all<event::SessionOpened>().empty());
}

TEST_CASE("the words for a person wait until the client's window has room for all of them") {
  Visited house;
  const auto channel = house.client.open_channel(0, 40);
  CHECK(kind_of(house.client.answer_to(SshVisitor::request(channel, "shell"))) == packet::channel_success);
  house.settle();
  CHECK_FALSE(house.client.has_mail());
  house.client.send(SshFields(packet::window_adjust).u32(channel).u32(1000));
  CHECK(test::data_of(house.client.next_of(0)).ends_with(" ewc@127.0.0.1\r\n"));
  CHECK(test::exit_status_of(house.client, 0) == 1);
}

TEST_CASE("a channel serves one purpose") {
  Visited house;
  const SftpChannel sftp(house.client);
  const auto scp = SshFields().string(std::string("scp -f ") + image_name);
  for (const auto& request :
       {SshVisitor::request(sftp.theirs, "subsystem", SshFields().string("sftp")),
        SshVisitor::request(sftp.theirs, "exec", scp), SshVisitor::request(sftp.theirs, "shell"),
        SshVisitor::request(sftp.theirs, "pty-req", pty())}) {
    CHECK(kind_of(house.client.answer_to(request)) == packet::channel_failure);
  }
  CHECK(house.refused() == std::vector<std::string>{"a subsystem", "a command", "a shell", "a terminal"});
  CHECK(house.all<event::SessionOpened>().size() == 1);
}
