#include "server/ssh/session.hpp"

#include <doctest/doctest.h>

#include <list>
#include <string>

#include "server/log/classic.hpp"
#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using test::Farewell;
using test::kind_of;
using test::SftpChannel;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
namespace packet = test::packet;

namespace {

constexpr auto image_name = "/EWC/17_9_4a/ap1g8";
constexpr std::uint32_t by_protocol_error = 2, by_application = 11;

// A house with a client that has logged in.
struct Visited : SshHouse {
  SshVisitor client{*this};
  Visited() { client.log_in(); }
  explicit Visited(const Change& change) : SshHouse(change) { client.log_in(); }
};

SshFields pty() { return SshFields().string("xterm").u32(80).u32(24).u32(0).u32(0).string(""); }

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
