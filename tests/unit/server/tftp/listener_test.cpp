#include "server/tftp/listener.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "conf/load.hpp"
#include "server/events/events.hpp"
#include "server/events/transfer.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/tftp/house.hpp"

#if defined(__SANITIZE_ADDRESS__)
// Of sanitizer/allocator_interface.h, which g++ 12 does not bring.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
#endif

using namespace server;
using test::ack;
using test::data;
using test::error_packet;
using test::numbers;
using test::rrq;
using test::TftpClient;
using test::TftpHouse;
using test::wrq;

namespace {

using Clock = std::chrono::steady_clock;

[[maybe_unused]] thread_local bool counting = false;
[[maybe_unused]] thread_local std::size_t allocations = 0;

std::shared_ptr<const conf::Settings> settings_with(const std::filesystem::path& depot) {
  auto settings = conf::load_defaults().settings;
  settings.depot = depot;
  return std::make_shared<const conf::Settings>(std::move(settings));
}

// A whole service and its client on one thread: nothing happens but when the test lets the loop run.
struct House {
  test::TempDir directory;
  LiveSettings settings{settings_with(directory.path())};
  net::io_context loop;
  Library library{settings->depot, settings->uploads};
  Running running{events};
  Lanes lanes{loop};
  Events events;
  TftpService tftp{loop, lanes, events, settings, library, running};
  udp::socket client{loop, udp::endpoint(net::ip::address_v4::loopback(), 0)};
  udp::endpoint server;
  std::array<std::byte, 2048> buffer{};

  House() {
    udp::socket listener(loop, udp::endpoint(net::ip::address_v4::loopback(), 0));
    prepare_listener(listener);
    listener.non_blocking(true);
    client.non_blocking(true);
    server = listener.local_endpoint();
    tftp.serve(std::move(listener));
  }

  void send(std::span<const std::byte> packet) {
    client.send_to(net::buffer(packet.data(), packet.size()), server);
  }
  std::string answer_to(const std::string& packet) {
    send(std::as_bytes(std::span(packet)));
    const auto answer = receive();
    return {reinterpret_cast<const char*>(answer.data()), answer.size()};
  }
  std::span<const std::byte> receive() {
    for (;;) {
      error_code error;
      const auto size = client.receive_from(net::buffer(buffer), server, 0, error);
      if (!error) return std::span(buffer).first(size);
      loop.run_one_for(std::chrono::seconds(10));
    }
  }
};

std::string request(std::string_view name) {
  return std::string("\0\1", 2) + std::string(name) + '\0' + "octet" + '\0';
}

// With two images, of which the first is several blocks long.
struct Site : TftpHouse {
  explicit Site(const Change& change = {}) : TftpHouse(change) {
    directory.write("images/long", content);
    directory.write("images/short", "short");
  }
  const std::string content = numbers(3000);
  std::string block(unsigned number) const { return data(number, content.substr((number - 1) * 512, 512)); }
  // Everything that came before this question was heard by the service once it is answered.
  void ask_for_something_else(const udp::endpoint& at) {
    TftpClient other(*this);
    other.send_to(at, rrq("no-such-file"));
    CHECK(test::opcode_of(other.receive()) == 5);
  }
  void ask_for_something_else() { ask_for_something_else(address); }
};

// Until its second block comes again. Returns where the transfer is.
udp::endpoint begin_and_pause(const Site& site, TftpClient& client) {
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  const auto at = client.from();
  client.reply(ack(1));
  client.await(site.block(2));
  client.await(site.block(2));  // for it was not acknowledged in time
  return at;
}

void serve_on_one_port(conf::Settings& settings) { settings.tftp.single_port = true; }
void let_one_in(conf::Settings& settings) { settings.tftp.max_transfers = 1; }

}  // namespace

TEST_CASE("a device gets the first block of the image that its name means") {
  for (const auto* name : {"/EWC/17_9_4a/ap1g8", "/EWC/17.9.4a/ap1g8", "ap1g8"}) {
    House house;
    house.directory.write("images/EWC/17_9_4a/ap1g8", "image");
    CHECK(house.answer_to(request(name)) == std::string("\0\3\0\1", 4) + "image");
  }
}

TEST_CASE("a device is told that there is no such file, and the log why") {
  House house;
  house.directory.write("images/EWC/17_9_4a/ap1g8", "image");
  std::vector<event::Missed> missed;
  house.events.listen([&missed](const Event& event) {
    if (const auto* miss = event.get_if<event::Missed>()) missed.push_back(*miss);
  });
  const auto error = house.answer_to(request("/Wrong-Path/ap1g8"));
  CHECK(error.substr(0, 4) == std::string("\0\5\0\1", 4));
  REQUIRE(missed.size() == 1);
  CHECK(missed[0].asked == "/Wrong-Path/ap1g8");
  CHECK(missed[0].miss.hint == "ap1g8 is in /EWC/17_9_4a");
}

#if defined(__SANITIZE_ADDRESS__)
TEST_CASE("a block that is in memory costs no allocation") {
  House house;
  house.directory.write("images/file", std::string(512 * 3000, 'x'));
  const auto asked = request("/file");
  house.send(std::as_bytes(std::span(asked)));
  __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) { allocations += counting; }, [](const volatile void*) {});
  for (std::uint16_t block = 1; block <= 2000; ++block) {
    counting = block > 1000;  // by then everything that is kept has been made
    const auto packet = house.receive();
    REQUIRE(packet.size() == 516);
    REQUIRE(tftp::number_at(packet, 2) == block);
    house.send(tftp::encode_ack(block));
  }
  counting = false;
  CHECK(allocations == 0);
}
#endif

TEST_CASE("a packet that is not a valid request is answered with what is wrong with it") {
  struct Row {
    std::string packet, words;
  };
  const std::string name = "/EWC/17_9_4a/ap1g8";
  test::Options options;
  for (int i = 0; i < 17; ++i) options.emplace_back("option" + std::to_string(i), "1");
  Site site;
  const std::vector<Row> rows{{std::string("\0\1", 2) + name, "Request not null-terminated"},
                              {std::string("\0\1", 2) + name + '\0' + "octet", "Request not null-terminated"},
                              {std::string("\0\2", 2), "Request not null-terminated"},
                              {rrq(name, {}, "octets"), "Unknown mode"},
                              {rrq(name, {}, ""), "Unknown mode"},
                              {rrq(name, {}, "mail"), "Mail is not delivered here: use octet"},
                              {wrq(name, {}, "MAIL"), "Mail is not delivered here: use octet"},
                              {rrq(std::string(1025, 'a')), "Request too large"},
                              {rrq(name, options), "Request too large"},
                              {rrq(name) + std::string(2049 - rrq(name).size(), '\0'), "Request too large"},
                              {rrq(name) + std::string(30'000, 'x'), "Request too large"}};
  for (const auto& row : rows) {
    CAPTURE(row.words);
    TftpClient client(site);
    CHECK(client.ask(row.packet) == error_packet(4, row.words));
  }
  CHECK(site.tftp.running() == 0);
  for (const auto& refused : site.told.refused) CHECK(refused.code == tftp::ErrorCode::illegal_operation);
  CHECK(site.told.refused.size() == 4);  // each fault of this address once
  CHECK(site.told.requested.empty());
}

TEST_CASE("a request at the bounds of its size is looked up") {
  test::Options options;
  for (int i = 0; i < 16; ++i) options.emplace_back("option" + std::to_string(i), "1");
  Site site;
  for (const auto& packet :
       {rrq("short", options), rrq("short") + std::string(2048 - rrq("short").size(), '\0')}) {
    TftpClient client(site);
    CHECK(client.ask(packet) == data(1, "short"));
  }
  TftpClient client(site);
  CHECK(client.ask(rrq(std::string(1024, 'a'))).substr(0, 4) == test::packet_of(5, 1));
}

TEST_CASE("what is not a request draws nothing from the port of requests") {
  for (const bool single_port : {false, true}) {
    Site site([single_port](conf::Settings& settings) { settings.tftp.single_port = single_port; });
    TftpClient client(site);
    for (const auto& packet : {std::string(), std::string(1, '\0'), std::string("\0\1", 1), data(1, "x"),
                               ack(1), error_packet(0, "x"), test::packet_of(6, 0), test::packet_of(0, 0),
                               test::packet_of(7, 0), test::packet_of(0x0100, 0), std::string(3000, 'x')})
      client.send(packet);
    CHECK(client.ask(rrq("short")) == data(1, "short"));
    CHECK_FALSE(client.has_packet());
    CHECK(site.told.order == std::vector<std::string>{"requested"});
  }
}

TEST_CASE("who is denied hears nothing, the log is told why once, and a reload lets him in") {
  Site site([](conf::Settings& settings) { settings.tftp.deny = {*conf::parse_network("127.0.0.0/8")}; });
  TftpClient client(site);
  client.send(rrq("short"));
  client.send(rrq("long"));
  client.send(rrq("short", {}, "no-mode"));
  site.run_until([&] { return !site.told.limited.empty(); });
  site.settle();
  REQUIRE(site.told.limited.size() == 1);
  CHECK(site.told.limited[0].limit == event::Limit::denied);
  CHECK(site.told.limited[0].name == "short");
  CHECK(site.told.limited[0].client == "127.0.0.1");
  CHECK(site.told.order.size() == 1);
  site.change_settings({});
  CHECK(client.ask(rrq("short")) == data(1, "short"));
}

TEST_CASE("a transfer that nobody answered gives way to the next one") {
  Site site(let_one_in);
  TftpClient silent(site), client(site);
  CHECK(silent.ask(rrq("long")) == site.block(1));
  const auto later =
      Clock::now() + std::chrono::milliseconds(100);  // its acknowledgement is not on its way any more
  site.run_until([&] { return Clock::now() >= later; });
  CHECK(client.fetch("short") == "short");
  REQUIRE(site.told.ended.size() >= 1);
  CHECK(site.told.ended[0].name == "/long");
  CHECK(site.told.ended[0].how.cause == tftp::Cause::gave_way);
  site.run_until([&] { return site.tftp.running() == 0; });
}

TEST_CASE("a transfer that is acknowledged keeps its place, and who comes too many is served after it") {
  Site site(let_one_in);
  TftpClient served(site), waiting(site);
  REQUIRE(served.ask(rrq("long")) == site.block(1));
  REQUIRE(served.reply_and_receive(ack(1)) == site.block(2));
  waiting.send(rrq("short"));
  site.run_until([&] { return !site.told.limited.empty(); });
  CHECK(site.told.limited[0].limit == event::Limit::transfers_per_address);
  CHECK(site.told.limited[0].name == "short");
  CHECK(served.take_file(served.reply_and_receive(ack(2)), 512, 1, 3) == site.content.substr(1024));
  site.run_until([&] { return site.tftp.running() == 0; });
  CHECK(waiting.fetch("short") == "short");
}

TEST_CASE("a request that comes twice begins one transfer") {
  Site site;
  TftpClient client(site);
  client.send(rrq("long"));
  client.send(rrq("long"));
  CHECK(client.receive() == site.block(1));
  client.send(rrq("long"));
  site.ask_for_something_else();
  site.run_until([&] { return site.tftp.running() == 1; });
  CHECK(site.told.requested.size() == 2);  // the second one asked for something else
  CHECK(client.reply_and_receive(ack(1)) == site.block(2));
}

TEST_CASE("who asks for another file from the same port chooses between the two by what he acknowledges") {
  Site site;
  TftpClient client(site);
  CHECK(client.ask(rrq("long")) == site.block(1));
  client.send(rrq("short"));
  client.await(data(1, "short"));
  CHECK(site.tftp.running() == 2);  // the request may be forged, and an ACK of the first block be on its way
  client.reply(ack(1));
  site.run_until([&] { return site.tftp.running() == 0; });
  REQUIRE(site.told.ended.size() == 2);
  CHECK(site.told.ended[0].name == "/short");
  CHECK(site.told.ended[0].how.cause == tftp::Cause::complete);
  CHECK(site.told.ended[1].name == "/long");
  CHECK(site.told.ended[1].how.cause == tftp::Cause::new_request);
}

TEST_CASE("a request ends a transfer of its port that was not answered for a second") {
  for (const bool single_port : {false, true}) {
    CAPTURE(single_port);
    Site site([single_port](conf::Settings& settings) { settings.tftp.single_port = single_port; });
    site.directory.write("images/other", "other");
    TftpClient client(site);
    CHECK(client.ask(rrq("long")) == site.block(1));
    if (!single_port) {
      client.send(rrq("short"));
      client.await(data(1, "short"));
    }
    client.send(rrq("other"));
    site.ask_for_something_else();
    const auto before = site.told.requested.size();
    CHECK(before == (single_port ? 2 : 3));              // and none of them for the other
    site.run_until([&, next = Clock::now()]() mutable {  // as a device does: now and then
      if (Clock::now() >= next) client.send(rrq("other"));
      while (next <= Clock::now()) next += std::chrono::milliseconds(100);
      return site.told.requested.size() > before;
    });
    CHECK(site.told.requested.back().name == "other");
    REQUIRE(site.told.ended.size() >= 1);
    CHECK(site.told.ended[0].name == "/long");
    CHECK(site.told.ended[0].how.cause == tftp::Cause::new_request);
  }
}

// An ACK that goes out together with a request is heard before it: so no timer of the transfer can fire
// between.
TEST_CASE("a request in a client's name does not end a transfer that this client acknowledges") {
  Site site;
  TftpClient client(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  const auto first = client.from();
  client.reply(ack(1));
  client.send(rrq("short"));
  client.await(data(1, "short"));
  CHECK(site.tftp.running() == 2);
  client.send_to(first, ack(2));
  client.await(site.block(3));
  CHECK(client.from() == first);
}

TEST_CASE(
    "a request in a client's name does not end a transfer that this client has answered once and pauses") {
  for (const auto* forged : {"short", "long"}) {
    CAPTURE(forged);
    Site site;
    TftpClient client(site);
    const auto first = begin_and_pause(site, client);
    for (int i = 0; i < 3; ++i) client.send(rrq(forged));
    while (client.from() == first) client.receive();
    CHECK(site.tftp.running() == 2);
    client.reply(error_packet(5, "Unknown transfer ID"));
    site.run_until([&] { return site.tftp.running() == 1; });
    client.send_to(first, ack(2));
    client.await(site.block(3));
    CHECK(client.from() == first);
  }
}

TEST_CASE("a device that rebooted and asks again hears nothing of the transfer that it has left") {
  Site site;
  TftpClient client(site);
  const auto first = begin_and_pause(site, client);
  client.send(rrq("long"));
  while (client.from() == first) client.receive();
  const auto later = Clock::now() + std::chrono::milliseconds(800);  // the first one would have repeated it
  site.run_until([&] { return Clock::now() >= later; });
  const auto second = client.from();
  CHECK(client.reply_and_receive(ack(1)) == site.block(2));
  CHECK(client.from() == second);
  site.run_until([&] { return site.tftp.running() == 1; });
  CHECK(site.told.ended.at(0).how.cause == tftp::Cause::new_request);
}

TEST_CASE("with one port for all, a new request does not end a transfer that was answered and pauses") {
  Site site(serve_on_one_port);
  TftpClient client(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  client.reply(ack(1));
  client.await(site.block(2));
  client.await(site.block(2));
  client.send(rrq("short"));
  client.send(rrq("long"));
  site.ask_for_something_else();
  CHECK(site.told.requested.size() == 2);
  client.send(ack(2));
  client.await(site.block(3));
}

TEST_CASE("of one port two transfers run at most: who answers both has no third one") {
  Site site;
  const auto other = data(1, std::string(512, 'o'));
  site.directory.write("images/other", std::string(2000, 'o'));
  TftpClient client(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  const auto first = client.from();
  client.reply(ack(1));
  client.send(rrq("other"));
  client.await(other);
  const auto second = client.from();
  client.send_to(first, ack(2));
  client.send_to(second, ack(1));
  client.send(rrq("short"));
  site.ask_for_something_else();
  site.run_until([&] { return site.tftp.running() == 2; });
  for (const auto& requested : site.told.requested) CHECK(requested.name != "short");
  CHECK(site.told.requested.size() == 3);
}

TEST_CASE("a read and a write of one name from one port are two requests") {
  Site site([](conf::Settings& settings) { settings.tftp.uploads = settings.tftp.read_uploads = true; });
  TftpClient client(site);
  CHECK(client.ask(wrq("/uploads/new")) == ack(0));
  CHECK(test::opcode_of(client.ask(rrq("/uploads/new"))) == 5);
  CHECK(site.told.requested.size() == 2);
  CHECK(site.told.requested[0].write);
  CHECK_FALSE(site.told.requested[1].write);
}

TEST_CASE("a port may ask for the same file again once it has it") {
  Site site;
  TftpClient client(site);
  for (int i = 0; i < 3; ++i) CHECK(client.fetch("short") == "short");
  site.run_until([&] { return site.tftp.running() == 0; });
  CHECK(site.told.ended.size() == 3);
}

TEST_CASE("a service that stops to listen serves what runs to its end, and says when the last has ended") {
  for (const bool single_port : {false, true}) {
    Site site([single_port](conf::Settings& settings) { settings.tftp.single_port = single_port; });
    TftpClient first(site), second(site), late(site);
    const auto first_packet = first.ask(rrq("long")), second_packet = second.ask(rrq("long"));
    int ends = 0;
    site.tftp.when_empty([&] { ++ends; });
    site.tftp.stop_listening();
    late.send(rrq("short"));
    CHECK(first.take_file(first_packet) == site.content);
    site.run_until([&] { return site.tftp.running() == 1; });
    CHECK(ends == 0);
    CHECK(second.take_file(second_packet) == site.content);
    site.run_until([&] { return site.tftp.running() == 0; });
    CHECK(ends == 1);
    CHECK_FALSE(late.has_packet());
    CHECK(site.told.requested.size() == 2);
  }
}

TEST_CASE("transfers that are stopped tell each client, and are over") {
  Site site;
  TftpClient first(site), second(site);
  for (auto* client : {&first, &second}) {
    client->ask(rrq("long"));
    REQUIRE(client->reply_and_receive(ack(1)) == site.block(2));
  }
  int ends = 0;
  site.tftp.when_empty([&] { ++ends; });
  site.tftp.stop_transfers();
  CHECK(site.tftp.running() == 0);
  CHECK(ends == 1);
  for (auto* client : {&first, &second}) client->await(error_packet(0, "The server is shutting down"));
  for (const auto& ended : site.told.ended) CHECK(ended.how.cause == tftp::Cause::shutdown);
  CHECK(site.told.ended.size() == 2);
}

TEST_CASE("many transfers are stopped in more than one turn of the loop, and then it is said") {
  Site site;
  std::deque<TftpClient> clients;
  for (int i = 0; i < 40; ++i) clients.emplace_back(site).ask(rrq("long"));
  site.run_until([&] { return site.told.requested.size() == clients.size(); });
  bool told = false;
  site.tftp.stop_transfers([&] { told = true; });
  CHECK(site.tftp.running() > 0);
  CHECK_FALSE(told);
  site.run_until([&] { return told; });
  CHECK(site.tftp.running() == 0);
}

TEST_CASE("an address that is closed takes no request, what runs there goes on, and others stay open") {
  for (const bool single_port : {false, true}) {
    CAPTURE(single_port);
    Site site([single_port](conf::Settings& settings) { settings.tftp.single_port = single_port; });
    const auto other = site.serve("127.0.0.2");
    TftpClient running(site), late(site);
    const auto packet = running.ask(rrq("long"));
    site.tftp.close({net::ip::make_address("127.0.0.1"), other.port()});  // nobody's
    site.tftp.close(site.address);
    late.send(rrq("short"));
    site.ask_for_something_else(other);
    CHECK(running.take_file(packet) == site.content);
    site.run_until([&] { return site.tftp.running() == 0; });
    CHECK_FALSE(late.has_packet());
    CHECK(site.told.requested.size() == 2);
    const udp::socket next(site.loop, site.address);  // the port is free again
    CHECK(next.local_endpoint() == site.address);
  }
}

TEST_CASE("an answer comes from the address that was asked") {
  for (const bool single_port : {false, true}) {
    Site site([single_port](conf::Settings& settings) { settings.tftp.single_port = single_port; });
    const auto port = site.serve("0.0.0.0").port();
    for (const auto* name : {"short", "no-such-file"})
      for (const auto* address : {"127.0.0.1", "127.0.0.3"}) {
        CAPTURE(address);
        TftpClient client(site);
        client.send_to({net::ip::make_address(address), port}, rrq(name));
        client.receive();
        CHECK(client.from().address().to_string() == address);
        CHECK((client.from().port() == port) == single_port);
      }
  }
}

TEST_CASE("with one port for all, clients are told apart, and each gets its own file") {
  Site site(serve_on_one_port);
  site.directory.write("images/other", std::string(1500, 'o'));
  TftpClient first(site), second(site);
  auto packet = first.ask(rrq("long"));
  CHECK(packet == site.block(1));
  CHECK(first.from() == site.address);
  CHECK(second.fetch("other") == std::string(1500, 'o'));
  CHECK(second.from() == site.address);
  CHECK(first.take_file(packet) == site.content);
  site.run_until([&] { return site.tftp.running() == 0; });
  REQUIRE(site.told.ended.size() == 2);
  CHECK(site.told.ended[0].tftp->single_port);
}

TEST_CASE("with one port for all, a stranger's packets and late ones disturb nobody and draw nothing") {
  Site site(serve_on_one_port);
  TftpClient client(site), stranger(site), done(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  REQUIRE(done.fetch("short") == "short");
  for (const auto& packet : {ack(1), error_packet(0, "end"), data(1, "x"), test::packet_of(6, 0)}) {
    stranger.send(packet);
    done.send(packet);
  }
  site.ask_for_something_else();
  CHECK_FALSE(stranger.has_packet());
  CHECK_FALSE(done.has_packet());
  CHECK(client.reply_and_receive(ack(1)) == site.block(2));
}

TEST_CASE("with one port for all, a new request waits as long as its port's transfer is acknowledged") {
  Site site(serve_on_one_port);
  TftpClient client(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  client.reply(ack(1));
  client.send(rrq("short"));
  client.await(site.block(2));
  CHECK(site.told.requested.size() == 1);
  CHECK(client.take_file(client.reply_and_receive(ack(2)), 512, 1, 3) == site.content.substr(1024));
  CHECK(site.told.requested.size() == 1);
  CHECK(client.fetch("short") == "short");
}

TEST_CASE("with one port for all, a client's closed port ends its own transfer and no other") {
  Site site(serve_on_one_port);
  TftpClient gone(site), other(site);
  const auto packet = other.ask(rrq("long"));
  REQUIRE(gone.ask(rrq("long")) == site.block(1));
  gone.reply(ack(1));
  gone.close();
  site.run_until([&] { return !site.told.ended.empty(); });
  CHECK(site.told.ended[0].how.cause == tftp::Cause::port_closed);
  CHECK(site.told.ended[0].bytes == 512);
  CHECK(other.take_file(packet) == site.content);
  site.run_until([&] { return site.tftp.running() == 0; });
  REQUIRE(site.told.ended.size() == 2);
  CHECK(site.told.ended[1].how.cause == tftp::Cause::complete);
}

TEST_CASE("with one port for all, many acknowledgements that wait are answered once") {
  Site site(serve_on_one_port);
  TftpClient client(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  for (int i = 0; i < 10; ++i) client.reply(ack(1));
  CHECK(client.receive() == site.block(2));
  site.settle();
  CHECK_FALSE(client.has_packet());
}

TEST_CASE(
    "a request without a free port of tftp.port_range is dropped and told, and served once there is one") {
  Site site;
  std::optional<udp::socket> holder;
  holder.emplace(site.loop, udp::endpoint(net::ip::address_v4::loopback(), 0));
  const auto port = holder->local_endpoint().port();
  site.change_settings([port](conf::Settings& settings) {
    settings.tftp.port_range = conf::PortRange{port, port};
  });
  TftpClient client(site);
  client.send(rrq("short"));
  site.run_until([&] { return !site.told.warned.empty(); });
  CHECK(site.told.warned[0].kind == Warning::ports);
  CHECK(site.told.warned[0].text ==
        "all ports of tftp.port_range are in use: requests are dropped until one is free");
  CHECK(site.tftp.running() == 0);
  holder.reset();
  CHECK(client.ask(rrq("short")) == data(1, "short"));
  CHECK(client.from().port() == port);
  client.reply(ack(1));
  site.run_until([&] { return site.tftp.running() == 0; });
  CHECK(client.fetch("short") == "short");
  CHECK(client.from().port() == port);
}

TEST_CASE("a port of tftp.port_range that another program has is passed over") {
  Site site;
  const udp::socket taken(site.loop, udp::endpoint(net::ip::address_v4::loopback(), 0));
  const auto port = taken.local_endpoint().port();
  // Of three ports in a row, one of which is taken: whatever chance says, another one is found.
  const auto first = static_cast<std::uint16_t>(std::min(port - 1, 65'533));
  site.change_settings([first](conf::Settings& settings) {
    settings.tftp.port_range = conf::PortRange{first, static_cast<std::uint16_t>(first + 2)};
  });
  for (int i = 0; i < 5; ++i) {
    TftpClient client(site);
    CHECK(client.fetch("short") == "short");
    CHECK(client.from().port() != port);
    CHECK(client.from().port() >= first);
    CHECK(client.from().port() <= first + 2);
    site.run_until([&] { return site.tftp.running() == 0; });
  }
  CHECK(site.told.warned.empty());
}

TEST_CASE("a stranger at a transfer's port is turned away, and the transfer goes on") {
  Site site;
  TftpClient client(site), stranger(site);
  REQUIRE(client.ask(rrq("long")) == site.block(1));
  stranger.send_to(client.from(), ack(1));
  CHECK(stranger.receive() == error_packet(5, "Unknown transfer ID"));
  CHECK(client.reply_and_receive(ack(1)) == site.block(2));
}

TEST_CASE("a refused request and a miss take no place") {
  Site site(let_one_in);
  TftpClient client(site);
  for (int i = 0; i < 3; ++i) {
    CHECK(test::opcode_of(client.ask(rrq("short", {}, "mail"))) == 5);
    CHECK(test::opcode_of(client.ask(rrq("no-such-file"))) == 5);
    site.run_until([&] { return site.tftp.running() == 0; });
  }
  CHECK(client.fetch("short") == "short");
  CHECK(site.told.limited.empty());
}
