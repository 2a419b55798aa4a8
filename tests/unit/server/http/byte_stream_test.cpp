#include "server/http/byte_stream.hpp"

#include <doctest/doctest.h>

#include <boost/asio/write.hpp>
#include <string>

#include "tests/unit/server/http/peer.hpp"

using namespace server;
using server::http::ByteStream;
using State = ByteStream::State;

namespace {

struct Line {
  net::io_context loop;
  test::TcpPair pair;
  ByteStream stream;
  test::Peer peer;

  explicit Line(bool tls = false, test::Room room = test::Room::usual)
      : pair(test::tcp_pair(loop, room)),
        stream(std::move(pair.ours), tls ? test::tls_context() : nullptr),
        peer(loop, std::move(pair.theirs)) {}

  // Step by step on both sides. False: one of them failed.
  bool shake_hands() {
    auto state = State::wants_read;
    bool met = false;
    const bool over = test::runs_until(loop, [&] {
      met = met || peer.shakes_hands();
      if (state == State::wants_read) state = stream.shake_hands();
      return (met && state == State::fine) || peer.ended() || state == State::failed;
    });
    return over && met && state == State::fine;
  }
  // The first step that does not wait for the client.
  ByteStream::Step read(std::span<std::byte> into) {
    for (;;) {
      const auto step = stream.read(into);
      if (step.state != State::wants_read || !test::comes(stream.handle())) return step;
    }
  }
  std::string read(std::size_t size) {
    std::string text(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const auto step = read(std::as_writable_bytes(std::span(text)).subspan(filled));
      if (step.state != State::fine) break;
      filled += step.bytes;
    }
    return text.substr(0, filled);
  }
  State next_state() {
    std::byte byte{};
    return read(std::span(&byte, 1)).state;
  }
  // Nobody waits for the network.
  State state_now() {
    std::byte byte{};
    return stream.read(std::span(&byte, 1)).state;
  }
  ByteStream::Step write(std::string_view text) { return stream.write(std::as_bytes(std::span(text))); }
};

// What the client has of `text` once all is written, and how often a step took only a part of it.
std::string written_through(Line& line, std::string_view text, int& parts) {
  REQUIRE(test::runs_until(line.loop, [&] {
    const auto step = line.write(text);
    if (step.state == State::wants_write) {
      CHECK(step.bytes == 0);
      ++parts;
    } else {
      CHECK(step.state == State::fine);
      if (step.bytes < text.size()) ++parts;
    }
    text.remove_prefix(step.bytes);
    line.peer.take();
    return text.empty();
  }));
  return line.peer.received();
}

}  // namespace

TEST_CASE("a read never waits, and says whether more may come") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Line line(tls);
    if (tls) REQUIRE(line.shake_hands());
    CHECK(line.state_now() == State::wants_read);
    line.peer.send("hello");
    CHECK(line.read(5) == "hello");
    CHECK(line.state_now() == State::wants_read);
    if (tls) line.peer.end_tls();
    line.peer.finish();
    CHECK(line.next_state() == State::closed);
    CHECK(line.state_now() == State::closed);
  }
}

TEST_CASE("a client that breaks off has not just ended") {
  Line line;
  line.peer.reset();
  CHECK(line.next_state() == State::failed);
  CHECK(line.write("answer").state == State::failed);
}

TEST_CASE("who cuts the end of TLS off has not ended it") {
  Line line(true);
  REQUIRE(line.shake_hands());
  line.peer.send("half of");
  line.peer.finish();
  CHECK(line.read(7) == "half of");
  CHECK(line.next_state() == State::failed);
}

TEST_CASE("of what the client does not read a part is written, and the rest once there is room") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Line line(tls, test::Room::little);
    if (tls) REQUIRE(line.shake_hands());
    const auto text = test::pattern(600'000);
    std::string_view left = text;
    auto step = line.write(left);
    while (step.state == State::fine && !left.empty()) {
      left.remove_prefix(step.bytes);
      step = line.write(left);
    }
    REQUIRE(step.state == State::wants_write);
    CHECK(step.bytes == 0);
    CHECK(left.size() > 0);
    int parts = 0;
    const auto received = written_through(line, left, parts);
    CHECK(parts > 0);
    REQUIRE(line.peer.reads_until([&] { return line.peer.received().size() >= text.size(); }));
    CHECK((line.peer.received() == text));
    CHECK(received.size() <= text.size());
  }
}

TEST_CASE("a stream that sends no more still reads") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Line line(tls);
    if (tls) REQUIRE(line.shake_hands());
    line.write("answer");
    line.stream.end_sending();
    CHECK(line.peer.rest() == "answer");
    CHECK(line.peer.said_goodbye() == tls);
    CHECK_FALSE((line.peer.was_reset() && !tls));
    line.peer.send("more");
    CHECK(line.read(4) == "more");
    CHECK(line.write("late").state == State::failed);
  }
}

TEST_CASE("a byte that was looked at is still read") {
  Line line;
  CHECK_FALSE(line.stream.peek());
  line.peer.send("\x16\x03");
  REQUIRE(test::comes(line.stream.handle()));
  CHECK(line.stream.peek() == std::byte{0x16});
  CHECK(line.stream.peek() == std::byte{0x16});
  CHECK(line.read(2) == "\x16\x03");
  line.peer.finish();
  CHECK(line.next_state() == State::closed);
  CHECK_FALSE(line.stream.peek());
}

TEST_CASE("a connection goes on in other hands") {
  Line line;
  line.write("one ");
  auto socket = line.stream.take_socket();
  CHECK_FALSE(line.stream.socket().is_open());
  net::write(socket, net::buffer("two", 3));
  socket.close();
  CHECK(line.peer.rest() == "one two");
}

TEST_CASE("a session of TLS goes on in other hands, with its keys") {
  Line line(true);
  REQUIRE(line.shake_hands());
  auto socket = line.stream.take_socket();
  auto* const session = line.stream.take_tls();
  CHECK_FALSE(line.stream.is_tls());
  std::size_t written = 0;
  CHECK(SSL_write_ex(session, "secret", 6, &written) == 1);
  CHECK(line.peer.gets("secret"));
  SSL_free(session);
}

TEST_CASE("what a record of TLS holds is read in as many parts as the caller likes") {
  Line line(true);
  REQUIRE(line.shake_hands());
  const auto text = test::pattern(5000);
  line.peer.send(text);
  std::string received = line.read(1);
  // All of the record is in memory now: the network is not asked, which would have nothing to say.
  while (received.size() < text.size()) {
    std::string some(17, '\0');
    const auto step = line.stream.read(std::as_writable_bytes(std::span(some)));
    REQUIRE(step.state == State::fine);
    received.append(some, 0, step.bytes);
  }
  CHECK((received == text));
  CHECK(line.state_now() == State::wants_read);
}

TEST_CASE("what is not TLS fails, and leaves no error for another connection") {
  for (const auto* text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"}) {
    Line line(true);
    CHECK(line.stream.shake_hands() == State::wants_read);
    line.peer.send(std::string_view(text, text[0] == 'G' ? 27 : 10));
    REQUIRE(test::comes(line.stream.handle()));
    auto state = line.stream.shake_hands();
    if (state == State::wants_read) {
      line.peer.finish();
      REQUIRE(test::comes(line.stream.handle()));
      state = line.stream.shake_hands();
    }
    CHECK(state == State::failed);
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_CASE("an error that another connection left does not end this one") {
  Line line(true);
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  CHECK(line.stream.shake_hands() == State::wants_read);
  REQUIRE(line.shake_hands());
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  CHECK(line.state_now() == State::wants_read);
  const auto text = test::pattern(8 << 20);
  std::string_view left = text;
  State state = State::fine;
  while (state == State::fine && !left.empty()) {
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    const auto step = line.write(left);
    state = step.state;
    left.remove_prefix(step.bytes);
  }
  CHECK(state != State::failed);
  ERR_clear_error();
}
