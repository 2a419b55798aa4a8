#include "server/os/datagram.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace server;

namespace {

const auto loopback = net::ip::make_address("127.0.0.1"), second = net::ip::make_address("127.0.0.2"),
           loopback_6 = net::ip::make_address("::1");

bool has_address(const net::ip::address& address) {
  net::io_context loop;
  error_code error;
  udp::socket socket(loop);
  const udp::endpoint endpoint(address, 0);
  socket.open(endpoint.protocol(), error);
  if (!error) socket.bind(endpoint, error);
  return !error;
}

const bool has_ipv6 = has_address(loopback_6);

udp::socket bound(net::io_context& loop, const net::ip::address& address) {
  return udp::socket(loop, udp::endpoint(address, 0));
}

udp::endpoint closed_port(const net::ip::address& address = loopback) {
  net::io_context loop;
  return bound(loop, address).local_endpoint();
}

// Waits until a packet, or the news of a closed port, is there: the kernel may be slow.
bool wait_for(int handle, short what = POLLIN) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (pollfd wait{handle, what, 0}; std::chrono::steady_clock::now() < limit;)
    if (::poll(&wait, 1, 10'000) == 1 && (what == 0 || (wait.revents & what) != 0)) return true;
  return false;
}

// As a router that cannot reach the host of a packet: only root may say so. False: it was not said.
bool say_unreachable(const udp::endpoint& from, const udp::endpoint& to) {
  const auto source = from.address().to_v4().to_uint(), target = to.address().to_v4().to_uint();
  const auto ports = std::uint32_t{from.port()} << 16 | to.port();
  // ICMP, and the packet's headers of IP and UDP.
  std::array<std::uint32_t, 9> words{0x0301'0000, 0,      0x4500'001c, 0,          0x4011'0000,
                                     source,      target, ports,       0x0008'0000};
  std::uint32_t sum = 0;
  for (const auto word : words) sum += (word >> 16) + (word & 0xffff);
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  words[0] |= ~sum & 0xffff;
  for (auto& word : words) word = htonl(word);
  const UdpHandle raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  const udp::endpoint there(loopback, 0);
  return raw.get() >= 0 && ::sendto(raw.get(), words.data(), sizeof words, 0, there.data(),
                                    static_cast<socklen_t>(there.size())) == ssize_t{sizeof words};
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A packet that came, with a buffer of its own.
struct Taken {
  std::vector<std::byte> buffer;
  std::optional<Datagram> datagram;
  std::string text() const { return datagram ? text_of(datagram->bytes) : "nothing"; }
};

Taken take(udp::socket& socket, std::size_t room = 70'000) {
  Taken taken{std::vector<std::byte>(room), {}};
  if (wait_for(socket.native_handle()))
    taken.datagram = receive_from_anyone(socket.native_handle(), taken.buffer);
  return taken;
}

void make_room(udp::socket& socket) { socket.set_option(net::socket_base::receive_buffer_size(1 << 20)); }

template <class Value = int>
Value option_of(int handle, int level, int option) {
  Value value{};
  socklen_t size = sizeof value;
  CHECK(::getsockopt(handle, level, option, &value, &size) == 0);
  return value;
}

bool is_open(int handle) { return ::fcntl(handle, F_GETFD) >= 0; }

// `count` packets of `size` bytes, but for the last, and each with other bytes.
std::string numbered(std::size_t count, std::size_t size, std::size_t last) {
  std::string all;
  for (std::size_t i = 1; i <= count; ++i) all.append(i < count ? size : last, static_cast<char>(' ' + i));
  return all;
}

// Checks that a receiver has the packets of numbered(), one by one, and no more.
void check_arrival(udp::socket& receiver, std::size_t count, std::size_t size, std::size_t last) {
  for (std::size_t i = 1; i <= count; ++i)
    REQUIRE(take(receiver).text() == std::string(i < count ? size : last, static_cast<char>(' ' + i)));
  std::array<std::byte, 8> buffer{};
  CHECK_FALSE(receive_from_anyone(receiver.native_handle(), buffer));
}

}  // namespace

TEST_CASE("a listener for all addresses tells which of them was asked, and by whom") {
  net::io_context loop;
  auto listener = bound(loop, net::ip::address_v4::any());
  prepare_listener(listener);
  auto client = bound(loop, loopback);
  for (const auto& asked : {loopback, second}) {
    client.send_to(net::buffer("hello", 5), udp::endpoint(asked, listener.local_endpoint().port()));
    const auto taken = take(listener);
    REQUIRE(taken.datagram);
    CHECK(taken.text() == "hello");
    CHECK(taken.datagram->to == asked);
    CHECK(taken.datagram->from == client.local_endpoint());
    CHECK_FALSE(taken.datagram->to_many);
  }
}

TEST_CASE("a listener for all addresses of IPv6 tells them too" * doctest::skip(!has_ipv6)) {
  net::io_context loop;
  auto listener = bound(loop, net::ip::address_v6::any());
  prepare_listener(listener);
  auto client = bound(loop, loopback_6);
  client.send_to(net::buffer("hello", 5), udp::endpoint(loopback_6, listener.local_endpoint().port()));
  const auto taken = take(listener);
  REQUIRE(taken.datagram);
  CHECK(taken.datagram->to == loopback_6);
  CHECK(taken.datagram->from == client.local_endpoint());
  CHECK_FALSE(taken.datagram->to_many);
}

TEST_CASE("a request to a broadcast address is marked, and is answered from the interface's own address") {
  net::io_context loop;
  auto listener = bound(loop, net::ip::address_v4::any());
  prepare_listener(listener);
  auto client = bound(loop, loopback);
  client.set_option(net::socket_base::broadcast(true));
  client.send_to(net::buffer("hello", 5),
                 udp::endpoint(net::ip::make_address("127.255.255.255"), listener.local_endpoint().port()));
  const auto taken = take(listener);
  REQUIRE(taken.datagram);
  CHECK(taken.datagram->to_many);
  CHECK(taken.datagram->to == loopback);
}

TEST_CASE("a packet that is longer than the buffer is cut, one without bytes is a packet, and none is none") {
  net::io_context loop;
  auto listener = bound(loop, loopback), client = bound(loop, loopback);
  std::array<std::byte, 5> buffer{};
  CHECK_FALSE(receive_from_anyone(listener.native_handle(), buffer));
  for (const std::string_view text : {"12345", "123456", ""})
    client.send_to(net::buffer(text), listener.local_endpoint());
  CHECK(take(listener, 5).text() == "12345");
  CHECK(take(listener, 5).text() == "12345");
  const auto empty = take(listener, 5);
  REQUIRE(empty.datagram);
  CHECK(empty.datagram->bytes.empty());
  CHECK_FALSE(receive_from_anyone(listener.native_handle(), buffer));
}

TEST_CASE("a shared socket names each client whose port is closed, and takes what the others send") {
  for (const auto& address : {loopback, loopback_6}) {
    if (address.is_v6() && !has_ipv6) continue;
    net::io_context loop;
    auto shared = bound(loop, address), alive = bound(loop, address);
    prepare_shared(shared);
    const auto handle = shared.native_handle();
    std::optional<udp::endpoint> client;
    CHECK_FALSE(next_unreachable(handle, client));
    const std::array closed{closed_port(address), closed_port(address)};
    for (const auto& port : closed) {
      PacketSender sender(handle, port, address);
      std::error_code error;
      CHECK(sender.send(bytes_of("to nobody"), 100, error) == 1);
      CHECK_FALSE(error);
    }
    alive.send_to(net::buffer("alive", 5), shared.local_endpoint());
    REQUIRE(wait_for(handle, 0));
    CHECK(take(shared).text() == "alive");
    CHECK(next_unreachable(handle, client));
    CHECK(client == closed[0]);
    REQUIRE(wait_for(handle, 0));
    CHECK(next_unreachable(handle, client));
    CHECK(client == closed[1]);
    CHECK_FALSE(next_unreachable(handle, client));
    CHECK_FALSE(client);
  }
}

TEST_CASE("what a shared socket is told of anything else is taken one by one, and names no client") {
  net::io_context loop;
  auto shared = bound(loop, loopback), alive = bound(loop, loopback);
  prepare_shared(shared);
  const auto handle = shared.native_handle();
  // News that needs no failing network: that each packet has left.
  const unsigned when_it_leaves = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  REQUIRE(::setsockopt(handle, SOL_SOCKET, SO_TIMESTAMPING, &when_it_leaves, sizeof when_it_leaves) == 0);
  for (int i = 0; i < 3; ++i) shared.send_to(net::buffer("x", 1), alive.local_endpoint());
  std::optional<udp::endpoint> client;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(wait_for(handle, 0));
    CHECK(next_unreachable(handle, client));
    CHECK_FALSE(client);
  }
  CHECK_FALSE(next_unreachable(handle, client));
}

TEST_CASE("the news of a closed port is not taken for an error of the next client's packet") {
  net::io_context loop;
  auto shared = bound(loop, loopback), alive = bound(loop, loopback);
  prepare_shared(shared);
  PacketSender to_closed(shared.native_handle(), closed_port(), loopback);
  PacketSender to_alive(shared.native_handle(), alive.local_endpoint(), loopback);
  std::error_code error;
  to_closed.send(bytes_of("to nobody"), 100, error);
  REQUIRE(wait_for(shared.native_handle(), 0));
  CHECK(to_alive.send(bytes_of("to somebody"), 100, error) == 1);
  CHECK_FALSE(error);
  CHECK(take(alive).text() == "to somebody");
}

TEST_CASE("the news of a host that is away is not taken for an error of the next client's packet") {
  net::io_context loop;
  auto shared = bound(loop, loopback), alive = bound(loop, loopback);
  prepare_shared(shared);
  const auto handle = shared.native_handle();
  if (!say_unreachable(shared.local_endpoint(), {second, 20'000})) return;
  REQUIRE(wait_for(handle, 0));
  PacketSender to_alive(handle, alive.local_endpoint(), loopback);
  std::error_code error;
  CHECK(to_alive.send(bytes_of("to somebody"), 100, error) == 1);
  CHECK_FALSE(error);
  CHECK(take(alive).text() == "to somebody");
  std::optional<udp::endpoint> client;
  CHECK(next_unreachable(handle, client));
  CHECK_FALSE(client);
  CHECK_FALSE(next_unreachable(handle, client));
}

TEST_CASE("a client's port hears that client alone, and what strangers send arrives at the other socket") {
  for (const auto& address : {loopback, loopback_6}) {
    if (address.is_v6() && !has_ipv6) continue;
    net::io_context loop;
    auto client = bound(loop, address), stranger = bound(loop, address);
    std::error_code error;
    const auto sockets = open_for_client(address, 0, client.local_endpoint(), 0, error);
    REQUIRE_FALSE(error);
    PacketSender(sockets.client.get()).send(bytes_of("from the server"), 100, error);
    const auto heard = take(client);
    REQUIRE(heard.datagram);
    CHECK(heard.text() == "from the server");
    CHECK(heard.datagram->from.address() == address);
    client.send_to(net::buffer("mine", 4), heard.datagram->from);
    stranger.send_to(net::buffer("not mine", 8), heard.datagram->from);
    REQUIRE(wait_for(sockets.client.get()));
    REQUIRE(wait_for(sockets.strangers.get()));
    std::array<std::byte, 100> buffer{};
    CHECK(receive_from_client(sockets.client.get(), buffer, error) == 4);
    CHECK(receive_from_client(sockets.client.get(), buffer, error) == 0);
    CHECK(error == std::errc::operation_would_block);
    const auto strange = receive_from_anyone(sockets.strangers.get(), buffer);
    REQUIRE(strange);
    CHECK(text_of(strange->bytes) == "not mine");
    CHECK(strange->from == stranger.local_endpoint());
  }
}

TEST_CASE("a port for a client is the one that was wanted, or any; one that is taken is an error") {
  net::io_context loop;
  auto client = bound(loop, loopback);
  std::error_code error;
  const auto wanted = closed_port(second).port();
  const auto first = open_for_client(second, wanted, client.local_endpoint(), 0, error);
  REQUIRE_FALSE(error);
  PacketSender(first.client.get()).send(bytes_of("x"), 100, error);
  CHECK(take(client).datagram.value().from == udp::endpoint(second, wanted));
  static_cast<void>(open_for_client(second, wanted, client.local_endpoint(), 0, error));
  CHECK(error == std::errc::address_in_use);
  error = {};
  const auto other = open_for_client(second, 0, client.local_endpoint(), 0, error);
  REQUIRE_FALSE(error);
  PacketSender(other.client.get()).send(bytes_of("x"), 100, error);
  CHECK(take(client).datagram.value().from.port() != wanted);
}

TEST_CASE("an address that this host does not have is an error, and all addresses are good for any client") {
  net::io_context loop;
  auto client = bound(loop, loopback);
  std::error_code error;
  static_cast<void>(
      open_for_client(net::ip::make_address("203.0.113.77"), 0, client.local_endpoint(), 0, error));
  CHECK(error == std::errc::address_not_available);
  error = {};
  const auto any = open_for_client(net::ip::address_v6::any(), 0, client.local_endpoint(), 0, error);
  REQUIRE_FALSE(error);
  PacketSender(any.client.get()).send(bytes_of("x"), 100, error);
  CHECK(take(client).datagram.value().from.address() == loopback);
}

TEST_CASE("a client that closed its port is told by the next call") {
  const auto gone = closed_port();
  std::error_code error;
  const auto sockets = open_for_client(loopback, 0, gone, 0, error);
  REQUIRE_FALSE(error);
  PacketSender sender(sockets.client.get());
  CHECK(sender.send(bytes_of("x"), 100, error) == 1);
  REQUIRE(wait_for(sockets.client.get(), 0));
  std::array<std::byte, 8> buffer{};
  CHECK(receive_from_client(sockets.client.get(), buffer, error) == 0);
  CHECK(error == std::errc::connection_refused);
  error = {};
  CHECK(sender.send(bytes_of("x"), 100, error) == 1);
  REQUIRE(wait_for(sockets.client.get(), 0));
  CHECK(sender.send(bytes_of("x"), 100, error) == 0);
  CHECK(error == std::errc::connection_refused);
}

TEST_CASE("large packets are left to be fragmented, by listeners and by clients' ports") {
  for (const auto& address : {loopback, loopback_6}) {
    if (address.is_v6() && !has_ipv6) continue;
    const auto discovery = [&](int handle) {
      return address.is_v6() ? option_of(handle, IPPROTO_IPV6, IPV6_MTU_DISCOVER) == IPV6_PMTUDISC_DONT
                             : option_of(handle, IPPROTO_IP, IP_MTU_DISCOVER) == IP_PMTUDISC_DONT;
    };
    net::io_context loop;
    auto listener = bound(loop, address);
    prepare_listener(listener);
    CHECK(discovery(listener.native_handle()));
    std::error_code error;
    const auto sockets = open_for_client(address, 0, listener.local_endpoint(), 0, error);
    CHECK(discovery(sockets.client.get()));
  }
}

TEST_CASE("packets of one call arrive one by one, the last one shorter, however many and large they are") {
  struct Load {
    std::size_t count, size, last;
  };
  for (const auto& load : {Load{1, 1428, 1428}, Load{1, 512, 0}, Load{5, 100, 37}, Load{2, 512, 512},
                           Load{64, 512, 1}, Load{65, 8, 8}, Load{80, 100, 99}, Load{50, 1428, 3}}) {
    CAPTURE(load.count);
    net::io_context loop;
    auto receiver = bound(loop, loopback), owner = bound(loop, loopback);
    make_room(receiver);
    owner.connect(receiver.local_endpoint());
    PacketSender sender(owner.native_handle());
    const auto packets = numbered(load.count, load.size, load.last);
    for (int turn = 0; turn < 2; ++turn) {  // the second time it knows what the kernel can
      std::error_code error;
      CHECK(sender.send(bytes_of(packets), load.size, error) == load.count);
      CHECK_FALSE(error);
      check_arrival(receiver, load.count, load.size, load.last);
    }
  }
}

TEST_CASE("a shared socket sends from the address that the client asked") {
  net::io_context loop;
  auto receiver = bound(loop, loopback), shared = bound(loop, net::ip::address_v4::any());
  const auto port = shared.local_endpoint().port();
  const auto packets = numbered(3, 100, 50);
  for (const auto& asked : {second, loopback}) {
    PacketSender sender(shared.native_handle(), receiver.local_endpoint(), asked);
    std::error_code error;
    CHECK(sender.send(bytes_of(packets), 100, error) == 3);
    CHECK_FALSE(error);
    for (int i = 0; i < 3; ++i) CHECK(take(receiver).datagram.value().from == udp::endpoint(asked, port));
  }
}

TEST_CASE("a sender without room says how many packets were taken, and sends the rest later") {
  std::array<int, 2> ends{};  // of UNIX, since UDP over the loopback always has room
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UdpHandle from(ends[0]), to(ends[1]);
  const int room = 4096;
  REQUIRE(::setsockopt(from.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
  constexpr std::size_t count = 60, size = 1000;
  const auto packets = numbered(count, size, size);
  PacketSender sender(from.get());
  std::string arrived;
  std::size_t sent = 0, full = 0;
  while (sent < count && full < count) {
    std::error_code error;
    const auto taken = sender.send(bytes_of(packets).subspan(sent * size), size, error);
    sent += taken;
    CHECK((error == std::errc::operation_would_block) == (sent < count));
    full += error ? 1 : 0;
    std::array<std::byte, 2 * size> buffer{};
    for (std::size_t i = 0; i < taken; ++i) {
      std::error_code none;
      const auto length = receive_from_client(to.get(), buffer, none);
      arrived += text_of(std::span(buffer).first(length));
    }
  }
  CHECK(full > 0);
  CHECK(arrived == packets);
}

TEST_CASE("a handle closes its socket once, and not one that it gave away") {
  const auto new_socket = [] { return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); };
  const int first = new_socket(), other = new_socket(), given = new_socket();
  {
    UdpHandle handle(first), giver(given);
    CHECK(giver.release() == given);
    CHECK(giver.get() == -1);
    UdpHandle moved(std::move(handle));
    CHECK(moved.get() == first);
    {
      UdpHandle replaced(other);
      moved = std::move(replaced);
      CHECK(moved.get() == other);
      CHECK(is_open(first));
    }
    CHECK_FALSE(is_open(first));
    CHECK(is_open(other));
  }
  CHECK_FALSE(is_open(other));
  CHECK(is_open(given));
  ::close(given);
}
