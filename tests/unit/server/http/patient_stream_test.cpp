#include "server/http/patient_stream.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/loop/workers.hpp"
#include "tests/unit/server/http/peer.hpp"

using namespace server;
using namespace std::chrono_literals;
using protocols::Cause;
using protocols::EndedBy;
using server::http::ByteStream;
using server::http::PatientStream;
using State = ByteStream::State;

namespace {

constexpr auto reading = tcp::socket::wait_read;

// What a coroutine came to; nothing as long as it goes on.
using Came = std::shared_ptr<std::optional<bool>>;

struct Line {
  net::io_context loop;
  Workers workers{loop, 1};
  test::TcpPair pair;
  std::shared_ptr<PatientStream> stream;
  test::Peer peer;

  explicit Line(bool tls = false, test::Room room = test::Room::usual)
      : pair(test::tcp_pair(loop, room)),
        stream(std::make_shared<PatientStream>(
            loop, ByteStream(std::move(pair.ours), tls ? test::tls_context() : nullptr))),
        peer(loop, std::move(pair.theirs)) {}
  ~Line() {
    if (!stream) return;
    stream->stop(Cause::shutdown);
    test::runs_until(loop, [this] { return running == 0 && workers.busy() == 0; });
  }

  Came begin(net::awaitable<bool> work) {
    const auto came = std::make_shared<std::optional<bool>>();
    ++running;
    net::co_spawn(loop, std::move(work), [this, came](const std::exception_ptr& error, bool result) {
      CHECK_FALSE(static_cast<bool>(error));
      *came = result;
      --running;
    });
    poll();
    return came;
  }
  // True once it is over.
  Came begin(net::awaitable<void> work) { return begin(over(std::move(work))); }
  static net::awaitable<bool> over(net::awaitable<void> work) {
    co_await std::move(work);
    co_return true;
  }
  void poll() {
    loop.restart();
    loop.poll();
  }
  // Runs what is ready next: in these tests the stream's own timer.
  bool run_timer() {
    loop.restart();
    return loop.run_one_for(40s) == 1;
  }
  std::optional<bool> end_of(const Came& came) {
    test::runs_until(loop, [&] { return came->has_value(); });
    return *came;
  }

  int running = 0;
};

}  // namespace

TEST_CASE("to wait ends with what the client sends") {
  Line line;
  const auto came = line.begin(line.stream->wait(reading));
  CHECK_FALSE(came->has_value());
  line.peer.send("a");
  CHECK(line.end_of(came) == true);
  CHECK_FALSE(line.stream->is_over());
}

TEST_CASE("a client that does not go on in time loses its connection") {
  Line line;
  const auto came = line.begin(line.stream->wait(reading));
  line.stream->expect_within(0s);
  CHECK(line.end_of(came) == false);
  CHECK(line.stream->is_over());
  CHECK(line.stream->lost().cause == Cause::silence);
  CHECK(line.stream->lost().by() == EndedBy::network);
  line.peer.send("too late");
  CHECK(*line.begin(line.stream->wait(reading)) == false);
  CHECK(*line.begin(line.stream->wait_after(State::fine)) == false);
  CHECK(*line.begin(line.stream->write_all(std::string_view("x"))) == false);
}

TEST_CASE("time in which nobody waits for the client does not count against the client") {
  Line line;
  line.stream->expect_within(0s);
  REQUIRE(line.run_timer());
  CHECK_FALSE(line.stream->is_over());
  const auto came = line.begin(line.stream->wait(reading));
  line.peer.send("a");
  CHECK(line.end_of(came) == true);
}

TEST_CASE("a client that went on has all of the new time") {
  Line line;
  const auto came = line.begin(line.stream->wait(reading));
  line.stream->expect_within(0s);
  line.stream->expect_within(1h);
  REQUIRE(line.run_timer());  // the first one, which looks at the second
  CHECK_FALSE(line.stream->is_over());
  line.poll();
  CHECK_FALSE(came->has_value());
}

TEST_CASE("a time that is shorter than the one before counts at once") {
  Line line;
  line.stream->expect_within(1h);
  const auto came = line.begin(line.stream->wait(reading));
  line.stream->expect_within(0s);
  CHECK(line.end_of(came) == false);
  CHECK(line.stream->lost().cause == Cause::silence);
}

TEST_CASE("a wait that is interrupted ends, and the connection goes on") {
  Line line;
  const auto came = line.begin(line.stream->wait(reading));
  line.stream->interrupt();
  CHECK(line.end_of(came) == false);
  CHECK_FALSE(line.stream->is_over());
  const auto again = line.begin(line.stream->wait(reading));
  line.peer.send("a");
  CHECK(line.end_of(again) == true);
}

TEST_CASE("a connection that the server ends has the server's reason") {
  for (const auto why : {Cause::shutdown, Cause::stopped}) {
    Line line;
    const auto came = line.begin(line.stream->wait(reading));
    line.stream->stop(why);
    CHECK(line.end_of(came) == false);
    CHECK(line.stream->is_over());
    CHECK(line.stream->lost().cause == why);
    line.peer.send("a");
    CHECK(*line.begin(line.stream->wait(reading)) == false);
  }
  Line line;
  const auto came = line.begin(line.stream->wait(reading));
  line.stream->expect_within(0s);
  CHECK(line.end_of(came) == false);
  line.stream->stop(Cause::stopped);
  CHECK(line.stream->lost().cause == Cause::stopped);
}

TEST_CASE("a connection that just broke off was left by the client") {
  Line line;
  CHECK(line.stream->lost().cause == Cause::disconnected);
  CHECK(line.stream->lost().by() == EndedBy::client);
}

TEST_CASE("after a step of the stream the stream waits for what the step wants") {
  Line line;
  CHECK(*line.begin(line.stream->wait_after(State::fine)) == true);
  CHECK(*line.begin(line.stream->wait_after(State::closed)) == false);
  CHECK(*line.begin(line.stream->wait_after(State::failed)) == false);
  CHECK(line.end_of(line.begin(line.stream->wait_after(State::wants_write))) == true);
  const auto came = line.begin(line.stream->wait_after(State::wants_read));
  CHECK_FALSE(came->has_value());
  line.peer.send("a");
  CHECK(line.end_of(came) == true);
}

TEST_CASE("a text arrives as a whole, however little the client takes at a time") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Line line(tls, test::Room::little);
    if (tls) {
      const auto met = line.begin(line.stream->shake_hands(line.workers));
      REQUIRE(line.peer.begin_tls());
      REQUIRE(line.end_of(met) == true);
    }
    const auto text = test::pattern(700'000);
    const auto came = line.begin(line.stream->write_all(text));
    CHECK_FALSE(came->has_value());
    CHECK(line.peer.reads_until([&] { return line.peer.received().size() >= text.size(); }));
    CHECK((line.peer.received() == text));
    CHECK(line.end_of(came) == true);
  }
}

TEST_CASE("while a long text goes out others have their turn, after 64 KiB each") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    Line line(tls);
    if (tls) {
      const auto met = line.begin(line.stream->shake_hands(line.workers));
      REQUIRE(line.peer.begin_tls());
      REQUIRE(line.end_of(met) == true);
    }
    int turns = 0;
    const std::function<void()> another = [&] {
      if (line.running > 0 && ++turns < 1000) net::post(line.loop, another);
    };
    net::post(line.loop, another);
    const auto text = test::pattern(300'000);  // the system takes all of it at once
    const auto came = line.begin(line.stream->write_all(text));
    CHECK(turns >= 5);
    CHECK(line.peer.reads_until([&] { return line.peer.received().size() >= text.size(); }));
    CHECK((line.peer.received() == text));
    CHECK(line.end_of(came) == true);
  }
}

TEST_CASE("an empty text is written at once") {
  Line line;
  CHECK(*line.begin(line.stream->write_all(std::string_view())) == true);
}

TEST_CASE("a text that nobody takes is not written") {
  const std::string text(700'000, 'x');
  SUBCASE("the client is gone") {
    Line line(false, test::Room::little);
    const auto came = line.begin(line.stream->write_all(text));
    line.peer.reset();
    CHECK(line.end_of(came) == false);
    CHECK_FALSE(line.stream->is_over());
    CHECK(line.stream->lost().cause == Cause::disconnected);
  }
  SUBCASE("the server stops") {
    Line line(false, test::Room::little);
    const auto came = line.begin(line.stream->write_all(text));
    line.poll();
    CHECK_FALSE(came->has_value());
    line.stream->stop(Cause::shutdown);
    CHECK(line.end_of(came) == false);
  }
}

TEST_CASE("a pause ends with its time, or by an interruption") {
  Line line;
  CHECK(line.end_of(line.begin(line.stream->pause(0s))) == true);
  const auto came = line.begin(line.stream->pause(1h));
  CHECK_FALSE(came->has_value());
  line.stream->interrupt();
  CHECK(line.end_of(came) == true);
  CHECK_FALSE(line.stream->is_over());
}

TEST_CASE("in a pause the client is waited for") {
  Line line;
  const auto came = line.begin(line.stream->pause(1h));
  line.stream->expect_within(0s);
  CHECK(line.end_of(came) == true);
  CHECK(line.stream->lost().cause == Cause::silence);
}

TEST_CASE("after a pause nobody waits for the client") {
  Line line;
  CHECK(line.end_of(line.begin(line.stream->pause(0s))) == true);
  line.stream->expect_within(0s);
  REQUIRE(line.run_timer());
  CHECK_FALSE(line.stream->is_over());
}

TEST_CASE("a handshake is done by a worker, step by step") {
  Line line(true);
  const auto came = line.begin(line.stream->shake_hands(line.workers));
  CHECK_FALSE(came->has_value());
  CHECK(line.workers.busy() == 0);  // a client that says nothing keeps no worker
  REQUIRE(line.peer.begin_tls());
  REQUIRE(line.end_of(came) == true);
  CHECK(*line.begin(line.stream->write_all(std::string_view("secret"))) == true);
  CHECK(line.peer.gets("secret"));
}

TEST_CASE("a handshake that does not come to its end is over") {
  SUBCASE("the client speaks something else") {
    Line line(true);
    const auto came = line.begin(line.stream->shake_hands(line.workers));
    line.peer.send("GET / HTTP/1.1\r\n\r\n");
    CHECK(line.end_of(came) == false);
  }
  SUBCASE("the client leaves") {
    Line line(true);
    const auto came = line.begin(line.stream->shake_hands(line.workers));
    line.peer.finish();
    CHECK(line.end_of(came) == false);
  }
  SUBCASE("the client says half of its part, and then no more in time") {
    Line line(true);
    const auto came = line.begin(line.stream->shake_hands(line.workers));
    line.peer.put(std::string_view("\x16\x03\x01\x02", 4));
    REQUIRE(test::comes(line.stream->bytes().handle()));
    REQUIRE(test::runs_until(line.loop, [&] {
      return line.stream->bytes().socket().available() == 0 && line.workers.busy() == 0;
    }));
    CHECK_FALSE(came->has_value());
    line.stream->expect_within(0s);
    CHECK(line.end_of(came) == false);
    CHECK(line.stream->lost().cause == Cause::silence);
  }
  SUBCASE("the server stops") {
    Line line(true);
    const auto came = line.begin(line.stream->shake_hands(line.workers));
    line.stream->stop(Cause::shutdown);
    CHECK(line.end_of(came) == false);
  }
}

TEST_CASE("a stream that is closed or gone leaves nothing to wait for") {
  for (const bool gone : {false, true}) {
    CAPTURE(gone);
    Line line;
    line.stream->expect_within(1h);
    line.poll();
    gone ? line.stream.reset() : line.stream->close();
    line.loop.restart();
    line.loop.run_for(40s);
    CHECK(line.loop.stopped());
    CHECK(line.peer.rest().empty());
  }
}

TEST_CASE("to close ends what waits") {
  Line line;
  const auto came = line.begin(line.stream->wait(reading));
  line.stream->close();
  CHECK(line.end_of(came) == false);
  CHECK_FALSE(line.stream->is_over());
}

TEST_CASE("a short answer does not wait until the one before was confirmed") {
  Line line;
  tcp::no_delay no_delay;
  line.stream->bytes().socket().get_option(no_delay);
  CHECK(no_delay.value());
}
