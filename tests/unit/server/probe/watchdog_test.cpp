#include "server/probe/watchdog.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>

using namespace std::chrono_literals;
using server::probe::Watchdog;

namespace {

// Two ends of a connection.
struct Pair {
  std::array<int, 2> ends{};
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    for (const int end : ends) ::close(end);
  }
  // Waits for a byte, without a bound, as a library does; nothing at the connection's end.
  std::optional<char> hear() const {
    char byte = 0;
    if (::recv(ends[0], &byte, 1, 0) != 1) return {};
    return byte;
  }
  bool say(char byte) const { return ::send(ends[1], &byte, 1, MSG_NOSIGNAL) == 1; }
};

}  // namespace

TEST_CASE("who waits for a silent server sees the end of the connection") {
  const Pair pair;
  const Watchdog watchdog(pair.ends[0], 20ms);
  CHECK_FALSE(pair.hear());
  CHECK(watchdog.has_bitten());
  CHECK_FALSE(pair.say('x'));  // the server sees it too
}

TEST_CASE("a watchdog that goes early bites nobody, and leaves the socket to its owner") {
  const Pair pair;
  {
    Watchdog watchdog(pair.ends[0], 24h);
    watchdog.feed();
    CHECK_FALSE(watchdog.has_bitten());
  }
  {
    Watchdog watchdog(pair.ends[0], 24h);
    watchdog.sleep();
  }
  CHECK(pair.say('x'));
  CHECK(pair.hear() == 'x');
}

TEST_CASE("a watchdog that bit has left the socket open for its owner to close") {
  const Pair pair;
  {
    const Watchdog watchdog(pair.ends[0], 1ms);
    CHECK_FALSE(pair.hear());
  }
  int type = 0;
  socklen_t size = sizeof type;
  CHECK(::getsockopt(pair.ends[0], SOL_SOCKET, SO_TYPE, &type, &size) == 0);
}

TEST_CASE("a watchdog that sleeps bites nobody until it is fed again") {
  const Pair pair, clock;
  Watchdog watchdog(pair.ends[0], 400ms);
  watchdog.sleep();
  {
    const Watchdog later(clock.ends[0], 500ms);
    CHECK_FALSE(clock.hear());
  }
  CHECK_FALSE(watchdog.has_bitten());
  CHECK(pair.say('x'));
  CHECK(pair.hear() == 'x');
  watchdog.feed();
  CHECK_FALSE(pair.hear());
  CHECK(watchdog.has_bitten());
}
