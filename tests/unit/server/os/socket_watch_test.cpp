#include "server/os/socket_watch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <functional>

using namespace server;
using namespace std::chrono_literals;

namespace {

// A port that takes one packet a turn, and does then what a test says.
struct Port final : Watched {
  SocketWatch& teller;
  udp::socket socket;
  int heard = 0, asked_in_vain = 0;
  std::function<void()> on_answer;

  Port(net::io_context& loop, SocketWatch& watch)
      : Watched(net::ip::address_v4::loopback()),
        teller(watch),
        socket(loop, udp::endpoint(net::ip::address_v4::loopback(), 0)) {
    socket.non_blocking(true);
    teller.add(socket.native_handle(), *this);
  }
  ~Port() override { teller.remove(socket.native_handle()); }

  void send_itself_a_packet() { socket.send_to(net::buffer("x", 1), socket.local_endpoint()); }

  bool ready(bool, bool, Time) noexcept override {
    std::array<char, 8> packet;
    error_code error;
    socket.receive(net::buffer(packet), 0, error);
    ++(error ? asked_in_vain : heard);
    return !error;
  }
  void answer(Time) noexcept override {
    if (on_answer) on_answer();
  }
};

void run_until_heard(net::io_context& loop, const Port& port, int heard) {
  while (port.heard < heard && loop.run_one_for(10s) > 0) continue;
}

}  // namespace

TEST_CASE("a socket that always has a packet does not keep the others waiting") {
  net::io_context loop;
  SocketWatch watch(loop);
  Port busy(loop, watch), other(loop, watch);
  busy.on_answer = [&] { busy.send_itself_a_packet(); };
  busy.send_itself_a_packet();
  run_until_heard(loop, busy, 40);
  other.send_itself_a_packet();
  run_until_heard(loop, busy, 60);
  CHECK(busy.heard == 60);
  CHECK(other.heard == 1);
  CHECK(busy.asked_in_vain == 0);
}

TEST_CASE("a socket that was ready alone again and again may go") {
  net::io_context loop;
  SocketWatch watch(loop);
  Port other(loop, watch);
  {
    Port busy(loop, watch);
    busy.on_answer = [&] { busy.send_itself_a_packet(); };
    busy.send_itself_a_packet();
    run_until_heard(loop, busy, 5);
  }
  other.send_itself_a_packet();
  run_until_heard(loop, other, 1);
  CHECK(other.heard == 1);
}

TEST_CASE("who was ready alone and has nothing more is asked in vain once at most") {
  net::io_context loop;
  SocketWatch watch(loop);
  Port first(loop, watch), second(loop, watch);
  for (int packet = 1; packet <= 5; ++packet) {
    first.send_itself_a_packet();
    run_until_heard(loop, first, packet);
  }
  for (int packet = 1; packet <= 5; ++packet) {
    second.send_itself_a_packet();
    run_until_heard(loop, second, packet);
  }
  CHECK(first.heard == 5);
  CHECK(first.asked_in_vain <= 1);  // Windows says whose turn it is each time
  CHECK(second.heard == 5);
  CHECK(second.asked_in_vain == 0);
}
