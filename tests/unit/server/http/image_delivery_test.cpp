#include "server/http/image_delivery.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "server/os/socket_output.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/unit/server/http/image_house.hpp"

using namespace server;
using namespace server::http;
using protocols::Cause;
using protocols::http::Span;

namespace {

const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
constexpr std::size_t portion = 64 << 10;  // the end of a file, which goes through the process

// One file on its way to one client.
struct Delivering {
  test::ImageHouse house;
  std::shared_ptr<ImageCommon> common = std::make_shared<ImageCommon>(
      house.loop, house.lanes, house.events, house.settings, house.library, house.running);
  test::TcpPair pair;
  std::shared_ptr<PatientStream> stream;
  test::Peer peer;
  std::shared_ptr<const storage::File> file;
  std::optional<ImageDelivery> delivery;
  std::optional<protocols::Ending> how;

  explicit Delivering(bool tls = false, test::Room room = test::Room::usual)
      : pair(test::tcp_pair(house.loop, room)),
        stream(std::make_shared<PatientStream>(
            house.loop, ByteStream(std::move(pair.ours), tls ? test::tls_context() : nullptr))),
        peer(house.loop, std::move(pair.theirs)) {
    if (!tls) return;
    bool met = false;
    net::co_spawn(house.loop, stream->shake_hands(house.lanes.negotiating),
                  [&met](const std::exception_ptr&, bool result) { met = result; });
    REQUIRE(peer.begin_tls());
    REQUIRE(test::runs_until(house.loop, [&] { return met; }));
  }
  ~Delivering() {
    stream->stop(Cause::shutdown);
    test::runs_until(house.loop, [this] { return !delivery || how; });
  }

  std::filesystem::path path() const { return house.directory / "images/file"; }
  void open(std::string_view content) {
    house.write("file", content);
    file = std::make_shared<const storage::File>(storage::open_plain_file(path()));
  }
  void begin(const Span& body, bool then_ends = false) {
    delivery.emplace(*common, stream, file, body, net::ip::address_v4::loopback());
    net::co_spawn(house.loop, delivery->run(head, then_ends),
                  [this](const std::exception_ptr& error, protocols::Ending ending) {
                    CHECK_FALSE(static_cast<bool>(error));
                    how = std::move(ending);
                  });
    house.loop.restart();
    house.loop.poll();
  }
  // With a client that reads all that comes.
  Cause finish() {
    REQUIRE(peer.reads_until([&] { return how.has_value(); }));
    return how->cause;
  }
  // All was handed to the system, and the client has read none of it.
  bool is_handed_over() {
    return test::runs_until(house.loop, [&] {
      return unconfirmed_bytes(stream->bytes().handle()).value_or(0) > portion / 2 && house.lanes.busy() == 0;
    });
  }
  bool receives(std::size_t size) {
    return peer.reads_until([&] { return peer.received().size() >= size; });
  }
  // The body, as far as the client has it.
  std::string body() const {
    REQUIRE(peer.received().starts_with(head));
    return peer.received().substr(head.size());
  }
};

storage::File broken_file(std::uint64_t size) {
  storage::Attributes attributes;
  attributes.kind = storage::Kind::file;
  attributes.size = size;
  // No memory is mapped where this begins, so each read fails.
  return {storage::Handle(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)), attributes};
}

}  // namespace

TEST_CASE("a file arrives byte for byte, whatever its size, with TLS and without") {
  for (const bool tls : {false, true})
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, portion - 1, portion, portion + 1, 2 * portion, 2 * portion + 1,
          (1 << 20) + portion, (1 << 20) + portion + 1, (3 << 20) + 7UL}) {
      CAPTURE(tls);
      CAPTURE(size);
      Delivering one(tls);
      const auto content = test::pattern(size);
      one.open(content);
      one.begin({0, size});
      CHECK(one.finish() == Cause::complete);
      REQUIRE(one.receives(head.size() + size));
      CHECK((one.body() == content));
      CHECK_FALSE(one.peer.ended());
      CHECK(one.delivery->bytes_taken() == size);
    }
}

TEST_CASE("a part of a file is these bytes, and no others") {
  const std::size_t size = (2 << 20) + 100;
  const auto content = test::pattern(size);
  for (const bool tls : {false, true})
    for (const auto& part :
         {Span{0, 1}, Span{1, 1}, Span{size - 1, 1}, Span{0, portion}, Span{portion - 1, portion + 2},
          Span{1000, 1 << 20}, Span{4097, size - 4097}, Span{size / 2, 2 * portion}}) {
      CAPTURE(tls);
      CAPTURE(part.first);
      CAPTURE(part.size);
      Delivering one(tls);
      one.open(content);
      one.begin(part, true);
      CHECK(one.finish() == Cause::complete);
      one.peer.reads_until([&] { return one.peer.ended(); });
      CHECK((one.body() == content.substr(part.first, part.size)));
    }
}

TEST_CASE("a client sees the end of the connection where it is to end, without waiting") {
  Delivering one;
  one.open("image");
  one.begin({0, 5}, true);
  CHECK(one.finish() == Cause::complete);
  CHECK(one.peer.rest() == head + "image");
  CHECK_FALSE(one.peer.was_reset());
}

TEST_CASE("a client that says no more still gets all") {
  Delivering one;
  const auto content = test::pattern(300'000);
  one.open(content);
  one.peer.finish();
  one.begin({0, content.size()});
  CHECK(one.finish() == Cause::complete);
  CHECK(one.delivery->bytes_taken() == content.size());
}

TEST_CASE("a file that changed never seems whole") {
  struct Change {
    const char* what;
    void (*make)(const std::filesystem::path& file, std::uint64_t size);
  };
  const std::array changes = {
      Change{"longer",
             [](const auto& file, std::uint64_t size) { std::filesystem::resize_file(file, size + 1); }},
      Change{"shorter",
             [](const auto& file, std::uint64_t size) { std::filesystem::resize_file(file, size - 1); }},
      Change{"half",
             [](const auto& file, std::uint64_t size) { std::filesystem::resize_file(file, size / 2); }},
      Change{"empty", [](const auto& file, std::uint64_t) { std::filesystem::resize_file(file, 0); }}};
  for (const bool tls : {false, true})
    for (const std::size_t size : {std::size_t{5}, std::size_t{1'000'000}})
      for (const auto& change : changes) {
        CAPTURE(tls);
        CAPTURE(size);
        CAPTURE(change.what);
        Delivering one(tls);
        const auto content = test::pattern(size);
        one.open(content);
        change.make(one.path(), size);
        one.begin({0, size}, true);
        CHECK(one.finish() == Cause::file_changed);
        REQUIRE(one.receives(head.size()));
        CHECK(one.body().size() < size);
        CHECK((content.starts_with(one.body())));
        CHECK_FALSE(one.peer.ended());  // the connection does that
      }
}

TEST_CASE("a part of a file that changed elsewhere does not seem whole either") {
  Delivering one;
  one.open(test::pattern(200'000));
  std::filesystem::resize_file(one.path(), 200'001);
  one.begin({0, 10});
  CHECK(one.finish() == Cause::file_changed);
  REQUIRE(one.receives(head.size()));
  CHECK(one.peer.received() == head);
}

TEST_CASE("a file that was deleted or replaced is sent as it was opened") {
  Delivering one;
  const auto content = test::pattern(300'000);
  one.open(content);
  std::filesystem::remove(one.path());
  one.house.write("file", "another");
  one.begin({0, content.size()}, true);
  CHECK(one.finish() == Cause::complete);
  CHECK((one.peer.rest() == head + content));
}

TEST_CASE("a disk that fails ends the delivery, with what the system says") {
  for (const bool tls : {false, true})
    for (const std::uint64_t size : {100, 300'000}) {
      CAPTURE(tls);
      CAPTURE(size);
      Delivering one(tls);
      one.file = std::make_shared<const storage::File>(broken_file(size));
      one.begin({0, size});
      CHECK(one.finish() == Cause::unreadable);
      CHECK(one.how->text == "Input/output error");
      CHECK(one.peer.received().size() <= head.size());
    }
}

TEST_CASE("a file has arrived once the client's system has confirmed all of it") {
  Delivering one(false, test::Room::little_of_the_client);
  const auto content = test::pattern(portion);
  one.open(content);
  one.begin({0, content.size()}, true);
  REQUIRE(one.is_handed_over());
  one.house.loop.restart();
  one.house.loop.poll();
  CHECK_FALSE(one.how);
  CHECK(one.delivery->bytes_taken() < content.size());
  CHECK(one.finish() == Cause::complete);
  CHECK(one.delivery->bytes_taken() == content.size());
  CHECK((one.peer.rest() == head + content));
}

TEST_CASE("a client that reads nothing keeps no more than its own connection") {
  Delivering one(false, test::Room::little);
  one.open(test::pattern(4 << 20));
  one.begin({0, 4 << 20});
  REQUIRE(test::runs_until(one.house.loop, [&] { return one.house.lanes.busy() == 0; }));
  CHECK_FALSE(one.how);
  CHECK(one.delivery->bytes_taken() < 1 << 20);
  const auto before = one.delivery->moved_at();
  CHECK(one.finish() == Cause::complete);
  CHECK(one.delivery->moved_at() > before);
}

TEST_CASE("a delivery that is broken off says by whom") {
  const std::size_t size = 4 << 20;
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    for (const auto why : {Cause::shutdown, Cause::stopped}) {
      Delivering one(tls, test::Room::little);
      one.open(test::pattern(size));
      one.begin({0, size});
      REQUIRE(one.peer.gets(head));
      one.stream->stop(why);
      CHECK(one.finish() == why);
      CHECK(one.peer.received().size() < size);
    }
    Delivering one(tls, test::Room::little);
    one.open(test::pattern(size));
    one.begin({0, size});
    REQUIRE(one.peer.gets(head));
    one.peer.reset();
    REQUIRE(test::runs_until(one.house.loop, [&] { return one.how.has_value(); }));
    CHECK(one.how->cause == Cause::disconnected);
    CHECK(one.delivery->bytes_taken() < size);
  }
}

TEST_CASE("a client that breaks off with the last bytes under way does not have the file") {
  Delivering one(false, test::Room::little_of_the_client);
  one.open(test::pattern(portion));
  one.begin({0, portion});
  REQUIRE(one.is_handed_over());
  one.peer.reset();
  REQUIRE(test::runs_until(one.house.loop, [&] { return one.how.has_value(); }));
  CHECK(one.how->cause == Cause::disconnected);
}

TEST_CASE("a client that is gone is not waited for, whoever read its error and whatever it asked") {
  for (const bool asked_more : {false, true}) {
    CAPTURE(asked_more);
    Delivering one(false, test::Room::little_of_the_client);
    one.open(test::pattern(portion));
    one.begin({0, portion});
    REQUIRE(one.is_handed_over());
    if (asked_more) one.peer.send("GET /another HTTP/1.1\r\n\r\n");
    one.peer.reset();
    // Reads the error of the socket, as whoever asks for it does.
    int fault = 0;
    std::size_t size = sizeof fault;
    error_code error;
    net::detail::socket_ops::state_type state = 0;
    net::detail::socket_ops::getsockopt(one.stream->bytes().handle(), state, SOL_SOCKET, SO_ERROR, &fault,
                                        &size, error);
    REQUIRE_FALSE(error);
    REQUIRE(test::runs_until(one.house.loop, [&] { return one.how.has_value(); }));
    CHECK(one.how->cause == Cause::disconnected);
  }
}

TEST_CASE("a client that does not confirm in time has lost its connection") {
  Delivering one(false, test::Room::little_of_the_client);
  one.open(test::pattern(portion));
  one.begin({0, portion});
  REQUIRE(one.is_handed_over());
  one.stream->expect_within(std::chrono::seconds(0));
  REQUIRE(test::runs_until(one.house.loop, [&] { return one.how.has_value(); }));
  CHECK(one.how->cause == Cause::silence);
}
