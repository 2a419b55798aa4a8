#include "server/ssh/channel.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/held_workers.hpp"
#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using protocols::Cause;
using test::Farewell;
using test::kind_of;
using test::SftpChannel;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;
namespace packet = test::packet;
namespace sftp_packet = test::sftp_packet;

namespace {

constexpr auto image_name = "/EWC/17_9_4a/ap1g8";
constexpr std::uint32_t to_write =
    sftp::open_flag::write | sftp::open_flag::create | sftp::open_flag::truncate;
constexpr std::uint32_t ok = 0, no_such_file = 2, permission_denied = 3, failure = 4;

// A house with a client that has logged in.
struct Visited : SshHouse {
  SshVisitor client{*this};
  explicit Visited(const std::string& name = "ewc") : SshHouse(add_users) { client.log_in(name); }

  static void add_users(conf::Settings& settings) {
    const auto line = test::authorized_line(test::user_key());
    auto& users = settings.ssh.users;
    users.push_back(test::user_named("reader", {line}));
    users.push_back(test::user_named("below", {line}));
    users.back().root = "/EWC";
    users.push_back(test::user_named("lost", {line}));
    users.back().root = "/no-such-folder";
  }

  std::string content(const std::string& name) const {
    std::ifstream in(directory / "images" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool is_clean() const {
    return std::filesystem::is_empty(library.depot.staging()) &&
           std::filesystem::is_empty(library.depot.images() / "uploads");
  }
};

// An scp command that runs on a channel.
struct Scp {
  Scp(SshVisitor& visitor, const std::string& command) : client(visitor), theirs(visitor.open_channel()) {
    client.send(SshVisitor::request(theirs, "exec", SshFields().string(command)));
    REQUIRE(kind_of(client.next_of(0)) == packet::channel_success);
  }
  void say(std::string_view bytes) { client.send(SshVisitor::data(theirs, bytes)); }
  std::string hear(std::size_t size) {
    while (stream.size() < size) stream += test::data_of(client.next_of(0));
    const auto heard = stream.substr(0, size);
    stream.erase(0, size);
    return heard;
  }

  SshVisitor& client;
  const std::uint32_t theirs;
  std::string stream;
};

const std::string zero(1, '\0');

}  // namespace

TEST_CASE("a file that is read to its end and closed is complete, one that is closed before is partly read") {
  struct Row {
    std::uint64_t from;
    std::uint32_t size;
    Cause cause;
  };
  for (const auto& row : {Row{0, 100'000, Cause::complete}, Row{0, 99'999, Cause::partly_read},
                          Row{50'000, 50'000, Cause::partly_read}}) {
    CAPTURE(row.from);
    CAPTURE(row.size);
    Visited house;
    SftpChannel sftp(house.client);
    const auto handle = sftp.open(image_name);
    CHECK(house.only<event::TransferBegan>().size == 100'000);
    std::string got;
    while (got.size() < row.size) {
      const auto left = row.size - static_cast<std::uint32_t>(got.size());
      got += sftp.read(handle, row.from + got.size(), std::min(left, 30'000U));
    }
    CHECK(got == SshHouse::image().substr(row.from, row.size));
    CHECK(sftp.close(handle) == ok);
    const auto ended = house.only<event::TransferEnded>();
    CHECK(ended.how.cause == row.cause);
    CHECK(ended.bytes == row.size);
    CHECK(ended.user == "ewc");
    CHECK(ended.client == "127.0.0.1");
    CHECK(ended.asked == image_name);
    CHECK(ended.protocol == event::Protocol::sftp);
    CHECK_FALSE(ended.write);
    CHECK(house.running.rows().empty());
  }
}

TEST_CASE("a name that is written otherwise opens the file that is meant, and the log tells it first") {
  Visited house;
  SftpChannel sftp(house.client);
  const auto handle = sftp.open("/tftpboot/EWC/17.9.4a/AP1G8");
  CHECK(sftp.read(handle, 0, 5) == SshHouse::image().substr(0, 5));
  const auto remapped = house.only<event::SftpRemapped>();
  CHECK(remapped.name == "/tftpboot/EWC/17.9.4a/AP1G8");
  CHECK(remapped.remapped.to == image_name);
  std::size_t remapped_at = 0, opened_at = 0;
  for (std::size_t i = 0; i < house.told.size(); ++i) {
    if (house.told[i]->get_if<event::SftpRemapped>()) remapped_at = i;
    const auto* const happened = house.told[i]->get_if<event::SftpHappened>();
    if (happened && std::holds_alternative<sftp::event::Open>(happened->what)) opened_at = i;
  }
  CHECK(remapped_at < opened_at);
  sftp.close(handle);
  CHECK(house.only<event::TransferEnded>().name == image_name);
  CHECK(house.only<event::TransferEnded>().asked == "/tftpboot/EWC/17.9.4a/AP1G8");
}

TEST_CASE("a file that is not there is explained once a name, and its client is answered all the same") {
  Visited house;
  SftpChannel sftp(house.client);
  for (int i = 0; i < 3; ++i)
    CHECK(SftpChannel::status(sftp.answer_to(SftpChannel::opening("/Wrong-Path/ap1g9"))) == no_such_file);
  CHECK(SftpChannel::status(sftp.answer_to(SftpChannel::opening("/Other-Path/ap1g9"))) == no_such_file);
  house.settle();
  const auto missed = house.all<event::Missed>();
  REQUIRE(missed.size() == 2);
  CHECK(missed[0].asked == "/Wrong-Path/ap1g9");
  CHECK(missed[0].protocol == event::Protocol::sftp);
  CHECK(missed[0].client == "127.0.0.1");
  CHECK_FALSE(missed[0].miss.what.empty());
  CHECK(missed[1].asked == "/Other-Path/ap1g9");
}

TEST_CASE("a client that looks whether the name of its upload is free has missed nothing") {
  struct Row {
    const char *user, *name;
    std::size_t missed;
  };
  for (const auto& row :
       {Row{"ewc", "/uploads/config", 0}, Row{"ewc", "/config", 1}, Row{"reader", "/uploads/config", 1}}) {
    CAPTURE(std::string(row.user));
    CAPTURE(std::string(row.name));
    Visited house(row.user);
    SftpChannel sftp(house.client);
    const auto answer = sftp.answer_to(SshFields(sftp_packet::stat).u32(1).string(row.name));
    CHECK(SftpChannel::status(answer) == no_such_file);
    house.settle();
    CHECK(house.all<event::Missed>().size() == row.missed);
  }
}

TEST_CASE("a user with a root of his own sees it as /, and the log names files from the top") {
  Visited house("below");
  SftpChannel sftp(house.client);
  CHECK(SftpChannel::status(sftp.answer_to(SftpChannel::opening("/EWC/17_9_4a/ap1g9"))) == no_such_file);
  const auto handle = sftp.open("/17_9_4a/ap1g8");
  CHECK(house.only<event::TransferBegan>().name == image_name);
  CHECK(house.only<event::TransferBegan>().asked == "/17_9_4a/ap1g8");
  CHECK(sftp.read(handle, 0, 3) == SshHouse::image().substr(0, 3));
}

TEST_CASE("a user whose root is not there gets no session, and the connection stays") {
  Visited house("lost");
  const auto channel = house.client.open_channel();
  for (int i = 0; i < 2; ++i) {
    const auto answer =
        house.client.answer_to(SshVisitor::request(channel, "subsystem", SshFields().string("sftp")));
    CHECK(kind_of(answer) == packet::channel_failure);
  }
  CHECK(house.refused().front() ==
        "user lost: the root /no-such-folder cannot be opened: No such file or directory");
  CHECK(house.all<event::SessionOpened>().empty());
  std::filesystem::create_directory(house.library.depot.images() / "no-such-folder");
  const auto answer =
      house.client.answer_to(SshVisitor::request(channel, "subsystem", SshFields().string("sftp")));
  CHECK(kind_of(answer) == packet::channel_success);
}

TEST_CASE("an upload is there when it is closed, and not before") {
  Visited house;
  SftpChannel sftp(house.client);
  const auto handle = sftp.open("/uploads/config", to_write);
  CHECK(sftp.write(handle, 5, "world") == ok);
  CHECK(sftp.write(handle, 0, "hello") == ok);
  CHECK(house.content("uploads/config").empty());
  CHECK(sftp.close(handle) == ok);
  CHECK(house.content("uploads/config") == "helloworld");
  const auto ended = house.only<event::TransferEnded>();
  CHECK(ended.write);
  CHECK(ended.how.cause == Cause::complete);
  CHECK(ended.bytes == 10);
  CHECK(ended.name == "/uploads/config");
}

TEST_CASE("uploads of one address wait for a part of the workers, and reads do not wait for them") {
  Visited house;
  SftpChannel writing(house.client, 1), reading(house.client, 2);
  const auto address = net::ip::make_address("127.0.0.1");
  const auto image = reading.open(image_name);
  const auto is_read = [&] { return reading.read(image, 99'000, 1000) == SshHouse::image().substr(99'000); };
  test::HeldWorkers beginning(house.lanes.changing, address, 1);
  writing.send(SftpChannel::opening("/uploads/config", to_write));
  for (int i = 0; i < 20; ++i) CHECK(is_read());
  CHECK_FALSE(house.client.has_mail());
  beginning.let_go();
  const auto opened = writing.answer();
  REQUIRE(kind_of(opened) == sftp_packet::handle);
  std::size_t place = 5;
  const auto upload = fuzz::string_at(opened, place);
  test::HeldWorkers storing(house.lanes.storing, address, 2);
  writing.send(SshFields(sftp_packet::write).u32(9).string(upload).u64(0).string("hello"));
  for (int i = 0; i < 20; ++i) CHECK(is_read());
  CHECK_FALSE(house.client.has_mail());
  storing.let_go();
  CHECK(SftpChannel::status(writing.answer()) == ok);
  CHECK(writing.close(upload) == ok);
  CHECK(house.content("uploads/config") == "hello");
}

TEST_CASE("an address that opens much has a part of the workers, and others do not wait for it") {
  Visited house;
  SftpChannel sftp(house.client, 1), reading(house.client, 2);
  const auto address = net::ip::make_address("127.0.0.1"), another = net::ip::make_address("192.0.2.1");
  test::HeldWorkers others(house.lanes.finding, another, 100);
  const auto image = reading.open(image_name);
  others.let_go();
  test::HeldWorkers opening(house.lanes.finding, address, 2);
  sftp.send(SftpChannel::opening(image_name));
  for (int i = 0; i < 20; ++i) CHECK(reading.read(image, 0, 1000) == SshHouse::image().substr(0, 1000));
  CHECK_FALSE(house.client.has_mail());
  opening.let_go();
  CHECK(kind_of(sftp.answer()) == sftp_packet::handle);
}

TEST_CASE("an upload that its client does not close leaves nothing") {
  for (const bool closes_channel : {false, true}) {
    CAPTURE(closes_channel);
    Visited house;
    SftpChannel sftp(house.client);
    CHECK(sftp.write(sftp.open("/uploads/config", to_write), 0, "half") == ok);
    if (closes_channel) {
      house.client.send(SshVisitor::about(packet::channel_close, sftp.theirs));
      while (kind_of(house.client.next_of(0)) != packet::channel_close) continue;
    } else {
      house.client.leave();
    }
    house.until_told<event::SessionClosed>();
    house.settle();
    CHECK(house.is_clean());
    CHECK(house.only<event::TransferEnded>().how.cause == Cause::disconnected);
    CHECK(house.service.running() == (closes_channel ? 1 : 0));
  }
}

TEST_CASE("who may only read is told so by name") {
  Visited house("reader");
  SftpChannel sftp(house.client);
  const auto answer = sftp.answer_to(SftpChannel::opening("/uploads/config", to_write));
  CHECK(SftpChannel::status(answer) == permission_denied);
  CHECK(SftpChannel::status_text(answer) == "user reader may only read here");
  CHECK_FALSE(std::filesystem::exists(house.library.depot.images() / "uploads"));
}

TEST_CASE("an administrator who stops a transfer ends its connection, and its client is told why") {
  Visited house;
  SftpChannel sftp(house.client);
  sftp.open(image_name);
  REQUIRE(house.running.rows().size() == 1);
  CHECK(house.running.stop(house.running.rows().begin()->first));
  CHECK(house.client.farewell() == Farewell{2, "an administrator stopped a transfer"});
  const auto ended = house.only<event::TransferEnded>();
  CHECK(ended.how.cause == Cause::stopped);
  CHECK(ended.how.text == "an administrator stopped a transfer");
  CHECK(house.running.rows().empty());
}

TEST_CASE("beyond the bound of open files the client is told, the log once, and a closed one makes room") {
  Visited house;
  house.service.bound_open_files({100, 100, 3});  // the root takes one
  SftpChannel sftp(house.client);
  const auto first = sftp.open(image_name);
  sftp.open(image_name);
  for (int i = 0; i < 2; ++i) {
    const auto answer = sftp.answer_to(SftpChannel::opening(image_name));
    CHECK(SftpChannel::status(answer) == failure);
    CHECK(SftpChannel::status_text(answer) == "Too many files are open: close some first");
  }
  CHECK(house.refused() ==
        std::vector<std::string>{"another open file: this address has as many files open as one may, a "
                                 "quarter of all that SSH may have open"});
  CHECK(sftp.close(first) == ok);
  sftp.open(image_name);
  CHECK(house.all<event::TransferBegan>().size() == 3);
}

TEST_CASE("an upload takes three descriptors, and gives them back when it cannot begin") {
  Visited house;
  house.service.bound_open_files({100, 4, 100});
  SftpChannel sftp(house.client);
  for (int i = 0; i < 5; ++i) {
    const auto nowhere = sftp.answer_to(SftpChannel::opening("/EWC/new", to_write));
    CHECK(SftpChannel::status(nowhere) == permission_denied);
  }
  const auto upload = sftp.open("/uploads/config", to_write);
  CHECK(SftpChannel::status(sftp.answer_to(SftpChannel::opening(image_name))) == failure);
  CHECK(sftp.close(upload) == ok);
  for (int i = 0; i < 3; ++i) sftp.open(image_name);
}

TEST_CASE("files that are open when a channel closes are given back") {
  Visited house;
  house.service.bound_open_files({100, 100, 3});
  for (std::uint32_t i = 0; i < 5; ++i) {
    SftpChannel sftp(house.client, i);
    for (int file = 0; file < 2; ++file) sftp.open(image_name);
    house.client.send(SshVisitor::about(packet::channel_close, sftp.theirs));
    while (kind_of(house.client.next_of(i)) != packet::channel_close) continue;
    house.settle();
  }
  CHECK(house.refused().empty());
}

TEST_CASE("without a descriptor for its root no session begins") {
  Visited house;
  house.service.bound_open_files({100, 100, 0});
  const auto channel = house.client.open_channel();
  const auto sftp = SshVisitor::request(channel, "subsystem", SshFields().string("sftp"));
  CHECK(kind_of(house.client.answer_to(sftp)) == packet::channel_failure);
  CHECK(house.only<event::SshRefused>().by_service);
  house.service.bound_open_files({100, 100, 1});
  CHECK(kind_of(house.client.answer_to(sftp)) == packet::channel_success);
}

TEST_CASE("64 KiB may come before anything runs on a channel, and are the session's then") {
  Visited house;
  const auto channel = house.client.open_channel();
  const auto send = [&](std::size_t size, char byte) {
    for (; size > 0; size -= std::min<std::size_t>(size, 32'000))
      house.client.send(SshVisitor::data(channel, std::string(std::min<std::size_t>(size, 32'000), byte)));
  };
  const auto init = SshFields().string(SshFields(sftp_packet::init).u32(3).text()).text();
  house.client.send(SshVisitor::data(channel, init));
  send((64 << 10) - init.size(), '\0');
  house.settle();
  CHECK_FALSE(house.client.gone());
  SUBCASE("one byte more ends the connection") {
    send(1, 'x');
    CHECK(house.client.farewell() == Farewell{2, "the client sent what nobody asked for"});
  }
  SUBCASE("the session reads them, and ends what is not SFTP") {
    house.client.send(SshVisitor::request(channel, "subsystem", SshFields().string("sftp")));
    house.until_told<event::SshEnded>();
    CHECK(house.only<event::SshEnded>().why == "bad message from 127.0.0.1 local user ewc");
    CHECK(house.all<event::SessionOpened>().size() == 1);
    CHECK(house.all<event::SessionClosed>().size() == 1);
  }
}

TEST_CASE("a packet that cannot be SFTP ends the connection with sftp-server's words") {
  for (const auto& bytes :
       {SshFields().u32(0).text(), SshFields().u32((256 << 10) + 1).text(),
        SshFields().u32(0xffffffff).text(), SshFields().string(std::string("\1\0\0\0\3", 5)).text(),
        SshFields().string("\x03").text()}) {
    Visited house;
    SftpChannel sftp(house.client);
    house.client.send(SshVisitor::data(sftp.theirs, bytes));
    CHECK(house.client.farewell() == Farewell{2, "bad message from 127.0.0.1 local user ewc"});
  }
}

TEST_CASE("what comes on the channel's other stream is not SFTP's") {
  Visited house;
  SftpChannel sftp(house.client);
  house.client.send(
      SshFields(packet::extended_data).u32(sftp.theirs).u32(1).string(std::string(100, '\xff')));
  CHECK(sftp.read(sftp.open(image_name), 0, 4) == SshHouse::image().substr(0, 4));
}

TEST_CASE("a client that says that no more comes gets its answers, then the exit status 0") {
  Visited house;
  SUBCASE("with requests before it") {
    SftpChannel sftp(house.client);
    const auto handle = sftp.open(image_name);
    for (int i = 0; i < 5; ++i)
      sftp.send(SshFields(sftp_packet::read).u32(8).string(handle).u64(0).u32(20'000));
    house.client.send(SshVisitor::about(packet::channel_eof, sftp.theirs));
    for (int i = 0; i < 5; ++i) CHECK(kind_of(sftp.answer()) == sftp_packet::data);
    CHECK(test::exit_status_of(house.client, 0) == 0);
    CHECK(house.all<event::SessionClosed>().size() == 1);
    CHECK(house.all<event::TransferEnded>().size() == 1);
  }
  SUBCASE("on a channel on which nothing runs") {
    house.client.send(SshVisitor::about(packet::channel_eof, house.client.open_channel()));
    CHECK(test::exit_status_of(house.client, 0) == 0);
  }
}

TEST_CASE("scp sends a file, and is told of the client's own failure to write it") {
  Visited house;
  Scp scp(house.client, std::string("scp -f ") + image_name);
  scp.say(zero);
  CHECK(scp.hear(19) == "C0644 100000 ap1g8\n");
  scp.say(zero);
  CHECK(scp.hear(100'001) == SshHouse::image() + '\0');
  SUBCASE("to a client that has it") {
    scp.say(zero);
    CHECK(test::exit_status_of(house.client, 0) == 0);
    CHECK(house.only<event::TransferEnded>().how.cause == Cause::complete);
    CHECK(house.only<event::TransferEnded>().protocol == event::Protocol::scp);
  }
  SUBCASE("to a client without room for it") {
    scp.say("\x01scp: no space left\n");
    CHECK(test::exit_status_of(house.client, 0) == 1);
    const auto failed = house.only<event::ScpFailed>();
    CHECK(failed.by_client);
    CHECK(failed.text == "scp: no space left");
  }
}

TEST_CASE("scp takes a file, also of a client that closes the channel with its last byte") {
  for (const bool closes : {false, true}) {
    CAPTURE(closes);
    Visited house;
    Scp scp(house.client, "scp -t /uploads/config");
    CHECK(scp.hear(1) == zero);
    scp.say("C0644 5 config\nhello" + zero);
    house.client.send(SshVisitor::about(packet::channel_eof, scp.theirs));
    if (closes) {
      house.client.send(SshVisitor::about(packet::channel_close, scp.theirs));
      while (kind_of(house.client.next_of(0)) != packet::channel_close) continue;
    } else {
      CHECK(scp.hear(2) == std::string(2, '\0'));
      CHECK(test::exit_status_of(house.client, 0) == 0);
    }
    house.settle();
    CHECK(house.content("uploads/config") == "hello");
    CHECK(house.only<event::TransferEnded>().how.cause == Cause::complete);
  }
}

TEST_CASE("an scp upload that is cut leaves nothing, and is told as cut") {
  Visited house;
  Scp scp(house.client, "scp -t /uploads/config");
  scp.say("C0644 5 config\nhel");
  house.client.send(SshVisitor::about(packet::channel_eof, scp.theirs));
  CHECK(test::exit_status_of(house.client, 0) == 1);
  house.settle();
  CHECK(house.is_clean());
  CHECK(house.only<event::TransferEnded>().how.cause != Cause::complete);
}

TEST_CASE("two channels of one connection are served side by side") {
  Visited house;
  SftpChannel one(house.client, 1), two(house.client, 2);
  const auto first = one.open(image_name), second = two.open(image_name);
  for (std::uint64_t at = 0; at < 10; ++at) {
    for (auto* sftp : {&one, &two})
      sftp->send(SshFields(sftp_packet::read).u32(8).string(sftp == &one ? first : second).u64(at).u32(9000));
  }
  for (std::size_t at = 0; at < 10; ++at) {
    for (auto* sftp : {&two, &one}) {
      std::size_t place = 5;
      CHECK(fuzz::string_at(sftp->answer(), place) == SshHouse::image().substr(at, 9000));
    }
  }
  CHECK(house.all<event::SessionOpened>().size() == 2);
}
