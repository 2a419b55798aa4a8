#include "server/os/kernel.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <limits>

#include "server/loop/net.hpp"
#include "tests/support/comes.hpp"
#include "tests/unit/server/os/child.hpp"

using namespace server;

namespace {

// Takes what waits in a socket, and waits for the first packet. How many there were.
std::uint64_t take_all(udp::socket& socket) {
  test::comes(socket.native_handle(), 10'000);
  socket.non_blocking(true);
  std::uint64_t count = 0;
  std::array<char, 2000> buffer{};
  for (error_code error; !error; count += error ? 0 : 1) socket.receive(net::buffer(buffer), 0, error);
  return count;
}

}  // namespace

TEST_CASE("a setting of the kernel is a number, and what is not there or is not a number is nothing") {
  CHECK(kernel_setting("kernel/pid_max").value_or(0) > 100);
  CHECK_FALSE(kernel_setting("kernel/ostype"));
  CHECK_FALSE(kernel_setting("kernel/no_such_setting"));
  CHECK_FALSE(kernel_setting("kernel"));
  CHECK_FALSE(kernel_setting(""));
}

TEST_CASE("a socket that names no port gets one of the local ports") {
  const auto ports = local_ports();
  REQUIRE(ports);
  net::io_context loop;
  const udp::socket socket(loop, udp::endpoint(net::ip::address_v4::loopback(), 0));
  const auto port = socket.local_endpoint().port();
  CHECK(port >= ports->first);
  CHECK(port <= ports->last);
}

TEST_CASE("packets that were received are counted, and so are those that had no room" *
          doctest::skip(!udp_count())) {
  net::io_context loop;
  udp::socket socket(loop, udp::endpoint(net::ip::address_v4::loopback(), 0));
  socket.set_option(net::socket_base::receive_buffer_size(2048));
  const auto before = udp_count();
  constexpr std::uint64_t sent = 200;
  const std::array<char, 1000> packet{};
  for (std::uint64_t i = 0; i < sent; ++i) socket.send_to(net::buffer(packet), socket.local_endpoint());
  const auto received = take_all(socket);
  const auto after = udp_count();
  REQUIRE(before);
  REQUIRE(after);
  CHECK(received > 0);
  CHECK(received < sent);
  CHECK(after->received >= before->received + received);
  // Packets may still be on their way, but not most of them.
  CHECK(after->no_room > before->no_room);
}

TEST_CASE("a process has the descriptors that its limit says, and no process none") {
  CHECK(test::in_a_child([] {
          rlimit limit{};
          ::getrlimit(RLIMIT_NOFILE, &limit);
          limit.rlim_cur = 321;
          ::setrlimit(RLIMIT_NOFILE, &limit);
          const auto most = descriptors_of(static_cast<std::uint32_t>(::getpid()));
          return most ? std::to_string(*most) : "nothing";
        }) == "321");
  CHECK_FALSE(descriptors_of(0));
  CHECK_FALSE(descriptors_of(std::numeric_limits<std::uint32_t>::max()));
}
