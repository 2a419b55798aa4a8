#include "server/tftp/port.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocols/tftp/packet.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

const auto loopback = net::ip::address_v4::loopback();

// Notes what its port tells it, and does then what a test says.
struct Transfer final : TftpPort::Listener, std::enable_shared_from_this<Transfer> {
  std::string heard;
  bool wants_more = true;
  std::function<void()> on_packet, on_go_on, on_room;
  std::unique_ptr<TftpPort> port;

  void packet(std::span<const std::byte> bytes, Watched::Time) override {
    note("packet " + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    if (on_packet) on_packet();
  }
  void refused() override { note("refused"); }
  void go_on(Watched::Time) override {
    note("go on");
    if (on_go_on) on_go_on();
  }
  void room() override {
    note("room");
    if (on_room) on_room();
  }
  void broke_off(std::string_view why) noexcept override { note("broke off: " + std::string(why)); }
  bool expects_more() const override { return wants_more; }
  std::shared_ptr<Listener> hold() override { return shared_from_this(); }

 private:
  void note(const std::string& what) { heard += (heard.empty() ? "" : ", ") + what; }
};

std::size_t times(std::string_view what, std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

struct House {
  net::io_context loop;
  std::shared_ptr<SocketWatch> watch = std::make_shared<SocketWatch>(loop);
  udp::socket client{loop, udp::endpoint(loopback, 0)}, stranger{loop, udp::endpoint(loopback, 0)};
  std::shared_ptr<Transfer> transfer = std::make_shared<Transfer>();
  udp::endpoint ours;  // where the transfer's port is

  House() {
    client.non_blocking(true);
    stranger.non_blocking(true);
  }
  void use(std::unique_ptr<TftpPort> port) {
    port->listen(*transfer);
    transfer->port = std::move(port);
    send("hello");
    REQUIRE(await(client) == "hello");
  }
  void use_own_port(std::optional<PortLease> lease = {}, std::uint16_t number = 0) {
    std::error_code error;
    auto sockets = open_for_client(loopback, number, client.local_endpoint(), 0, error);
    REQUIRE_FALSE(error);
    use(std::make_unique<OwnPort>(watch, std::move(sockets), loopback, std::move(lease)));
  }
  std::shared_ptr<udp::socket> use_shared_port() {
    auto socket = std::make_shared<udp::socket>(loop, udp::endpoint(loopback, 0));
    prepare_listener(*socket);
    use(std::make_unique<SharedPort>(watch, socket, client.local_endpoint(), loopback));
    return socket;
  }

  void send(std::string_view text) const {
    std::error_code error;
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    CHECK(transfer->port->send(bytes, bytes.size(), error) == 1);
  }
  void send_from(udp::socket& socket, std::string_view text) const {
    socket.send_to(net::buffer(text.data(), text.size()), ours);
  }
  // What comes to a socket, "" for nothing; notes where it came from.
  std::string receive(udp::socket& socket) {
    std::array<char, 2048> buffer;
    error_code error;
    const auto size = socket.receive_from(net::buffer(buffer), ours, 0, error);
    return error ? "" : std::string(buffer.data(), size);
  }
  // The same for an answer that must come.
  std::string await(udp::socket& socket) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    for (;;) {
      if (auto text = receive(socket); !text.empty()) return text;
      REQUIRE(std::chrono::steady_clock::now() < end);
      loop.run_one_for(100ms);
    }
  }
  void run_until_heard(std::string_view what, std::size_t count = 1) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (times(what, transfer->heard) < count) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      loop.run_one_for(100ms);
    }
    settle();
  }
  void settle() {
    while (loop.poll() > 0) continue;
  }
  std::string take_heard() { return std::exchange(transfer->heard, {}); }
};

constexpr std::string_view data{"\0\3\0\1x", 5};

}  // namespace

TEST_CASE("all packets that wait are heard before the transfer goes on") {
  House house;
  house.use_own_port();
  for (const auto* text : {"a", "b", "c"}) house.send_from(house.client, text);
  house.run_until_heard("go on");
  CHECK(house.take_heard() == "packet a, packet b, packet c, go on");
}

TEST_CASE("a transfer that expects no more answers each packet by itself") {
  House house;
  house.use_own_port();
  house.transfer->wants_more = false;
  for (const auto* text : {"a", "b", "c"}) house.send_from(house.client, text);
  house.run_until_heard("go on", 3);
  CHECK(house.take_heard() == "packet a, go on, packet b, go on, packet c, go on");
}

TEST_CASE("a client that floods its port is heard sixteen packets at a time") {
  House house;
  house.use_own_port();
  for (int i = 0; i < 20; ++i) house.send_from(house.client, "x");
  house.run_until_heard("packet x", 20);
  const auto heard = house.take_heard();
  CHECK(times("packet x", heard.substr(0, heard.find("go on"))) == 16);
  CHECK(times("go on", heard) == 2);
}

TEST_CASE("large packets are heard 64 KiB at a time, and come whole") {
  House house;
  house.use_own_port();
  const std::string large(30'000, 'y');
  for (int i = 0; i < 4; ++i) house.send_from(house.client, large);
  house.run_until_heard("packet " + large, 4);
  const auto heard = house.take_heard();
  CHECK(times("packet ", heard.substr(0, heard.find("go on"))) == 3);
}

TEST_CASE("a packet without a byte is one") {
  House house;
  house.use_own_port();
  house.send_from(house.client, "");
  house.send_from(house.client, "a");
  house.run_until_heard("packet a");
  CHECK(house.take_heard() == "packet , packet a, go on");
}

TEST_CASE("what waits already is heard at once where it is asked for") {
  House house;
  house.use_own_port();
  house.send_from(house.client, "a");
  house.send_from(house.client, "b");
  house.transfer->port->catch_up();
  CHECK(house.take_heard() == "packet a, packet b, go on");
  house.settle();
  CHECK(house.take_heard().empty());
}

TEST_CASE("a stranger is told that the port is not his, and the transfer hears nothing of him") {
  House house;
  house.use_own_port();
  const auto port = house.ours;
  house.send_from(house.stranger, data);
  CHECK(house.await(house.stranger) == std::string("\0\5\0\5Unknown transfer ID\0", 24));
  CHECK(house.ours == port);
  house.send_from(house.client, "a");
  house.run_until_heard("packet a");
  CHECK(house.take_heard() == "packet a, go on");
}

TEST_CASE("a stranger's ERROR and what is too short for a packet of TFTP are not answered") {
  House house;
  house.use_own_port();
  for (const auto text : {std::string_view("\0\5\0\0no\0", 7), std::string_view("\0\5\0\0", 4),
                          std::string_view("\0\3\0", 3), std::string_view("x", 1), std::string_view("")}) {
    house.send_from(house.stranger, text);
    house.settle();
    CHECK(house.receive(house.stranger).empty());
  }
  house.send_from(house.stranger, data);
  CHECK(house.await(house.stranger).size() == 24);
}

TEST_CASE("strangers get sixteen answers of a port and no more, and its client is served all the same") {
  House house;
  house.use_own_port();
  std::size_t answers = 0;
  for (std::size_t i = 1; i <= 20; ++i) {
    house.send_from(house.stranger, data);
    house.send_from(house.client, "a");
    house.run_until_heard("packet a", i);
    while (!house.receive(house.stranger).empty()) ++answers;
  }
  CHECK(answers == 16);
}

TEST_CASE("a client's closed port is told, and the transfer goes on with that") {
  House house;
  house.use_own_port();
  house.client.close();
  house.send("nobody hears this");
  house.run_until_heard("refused");
  CHECK(house.take_heard() == "refused, go on");
}

TEST_CASE("packets that came before the client closed its port are heard with it") {
  House house;
  house.use_own_port();
  house.send_from(house.client, "last");
  house.client.close();
  house.send("nobody hears this");
  house.run_until_heard("refused");
  house.run_until_heard("packet last");
  CHECK(times("packet last", house.transfer->heard) == 1);
  CHECK(times("refused", house.transfer->heard) == 1);
}

TEST_CASE("who asks for a turn has room once, in a later turn") {
  House house;
  house.use_own_port();
  house.transfer->port->ask_for_turn();
  house.transfer->port->ask_for_turn();
  CHECK(house.take_heard().empty());
  house.settle();
  CHECK(house.take_heard() == "room, go on");
  house.transfer->port->answer_later();
  house.settle();
  CHECK(house.take_heard() == "go on");
}

TEST_CASE("a transfer that asks for one turn after the other has each of them, and keeps nobody waiting") {
  House house;
  house.use_own_port();
  int turns = 0;
  house.transfer->on_room = [&] {
    if (++turns < 100) house.transfer->port->ask_for_turn();
  };
  house.transfer->port->ask_for_turn();
  house.send_from(house.stranger, data);
  house.run_until_heard("room", 100);
  CHECK(turns == 100);
  CHECK(house.await(house.stranger).size() == 24);
}

TEST_CASE("who asks for room is told once that the socket has some") {
  House house;
  house.use_own_port();
  house.transfer->port->ask_for_room();
  house.run_until_heard("room");
  CHECK(house.take_heard() == "room, go on");
  house.send_from(house.client, "a");
  house.run_until_heard("packet a");
  CHECK(house.take_heard() == "packet a, go on");
}

TEST_CASE("what a transfer throws breaks it off, and not the loop") {
  House house;
  house.use_own_port();
  const auto fail = [] { throw std::bad_alloc(); };
  const auto why = std::string("broke off: ") + std::bad_alloc().what();

  house.transfer->on_packet = fail;
  house.send_from(house.client, "a");
  house.run_until_heard("go on");
  CHECK(house.take_heard() == "packet a, " + why + ", go on");
  house.transfer->on_packet = nullptr;

  house.transfer->on_go_on = fail;
  house.send_from(house.client, "b");
  house.run_until_heard("broke off");
  CHECK(house.take_heard() == "packet b, go on, " + why);
  house.transfer->on_go_on = nullptr;

  house.transfer->on_room = fail;
  house.transfer->port->ask_for_turn();
  house.run_until_heard("broke off");
  CHECK(house.take_heard() == "room, " + why);
}

TEST_CASE("a transfer may end while it is told to go on, and its port with it") {
  House house;
  house.use_own_port();
  house.transfer->on_go_on = [&] { house.transfer.reset(); };
  house.send_from(house.client, "a");
  house.send_from(house.stranger, data);
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (house.transfer && std::chrono::steady_clock::now() < end) house.loop.run_one_for(100ms);
  house.settle();
  CHECK_FALSE(house.transfer);
  const udp::socket next(house.loop, house.ours);  // nobody has the port any more
  CHECK(next.local_endpoint() == house.ours);
}

TEST_CASE("a port that goes while its turn is due is not told of it") {
  House house;
  house.use_own_port();
  house.transfer->port->ask_for_turn();
  house.transfer->port.reset();
  house.settle();
  CHECK(house.take_heard().empty());
}

TEST_CASE("the lease of a port goes back with it") {
  House house;
  std::uint16_t number = 0;
  {
    const udp::socket any(house.loop, udp::endpoint(loopback, 0));
    number = any.local_endpoint().port();
  }
  const auto pool = std::make_shared<PortPool>();
  const conf::PortRange range{number, number};
  REQUIRE(pool->take(range, 0) == number);
  house.use_own_port(PortLease(pool, range, number), number);
  CHECK(house.ours.port() == number);
  CHECK_FALSE(pool->take(range, 0));
  house.transfer->port.reset();
  CHECK(pool->take(range, 0) == number);
}

TEST_CASE("with one port for all an answer comes from that port, and goes to its own client") {
  House house;
  const auto socket = house.use_shared_port();
  CHECK(house.ours == socket->local_endpoint());
  CHECK(house.receive(house.stranger).empty());
}

TEST_CASE("with one port for all a transfer has its turn, and is not told more than once") {
  House house;
  const auto socket = house.use_shared_port();
  house.transfer->port->ask_for_turn();
  CHECK(house.take_heard().empty());
  house.settle();
  CHECK(house.take_heard() == "room, go on");
  house.transfer->port->answer_later();
  house.transfer->port->answer_later();
  house.settle();
  CHECK(house.take_heard() == "go on");
}

TEST_CASE("with one port for all a transfer that waits for room is kept until it has some") {
  House house;
  auto socket = house.use_shared_port();
  house.transfer->port->ask_for_room();
  std::string heard;
  house.transfer->on_room = [&, transfer = house.transfer.get()] { heard = transfer->heard; };
  const std::weak_ptr<Transfer> waiting = house.transfer;
  house.transfer.reset();
  CHECK_FALSE(waiting.expired());
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!waiting.expired() && std::chrono::steady_clock::now() < end) house.loop.run_one_for(100ms);
  CHECK(heard == "room");
  CHECK(waiting.expired());
  CHECK(socket.use_count() == 1);
}

TEST_CASE("with one port for all, too, what a transfer throws breaks it off alone") {
  House house;
  const auto socket = house.use_shared_port();
  const auto why = std::string("broke off: ") + std::bad_alloc().what();
  house.transfer->on_room = [] { throw std::bad_alloc(); };
  house.transfer->port->ask_for_room();
  house.run_until_heard("broke off");
  CHECK(house.take_heard() == "room, " + why);
  house.transfer->port->ask_for_turn();
  house.run_until_heard("broke off");
  CHECK(house.take_heard() == "room, " + why);
  house.transfer->on_go_on = [] { throw std::bad_alloc(); };
  house.transfer->port->answer_later();
  house.run_until_heard("broke off");
  CHECK(house.take_heard() == "go on, " + why);
}

TEST_CASE("with one port for all a transfer that goes while its turn is due is not told of it") {
  House house;
  const auto socket = house.use_shared_port();
  house.transfer->port->answer_later();
  house.transfer->port.reset();
  house.settle();
  CHECK(house.take_heard().empty());
}
