#include "server/tftp/listener.hpp"

#include <doctest/doctest.h>

#include <array>
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

#if defined(__SANITIZE_ADDRESS__)
// Of sanitizer/allocator_interface.h, which g++ 12 does not bring.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                                         void (*)(const volatile void*));
#endif

using namespace server;

namespace {

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
