#include "server/process/control.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "conf/load.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/transfer.hpp"
#include "server/events/warning.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using conf::Endpoint;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::shared_ptr<const conf::Settings> settings_of(const std::filesystem::path& depot) {
  auto settings = conf::load_defaults().settings;
  settings.depot = depot;
  return std::make_shared<const conf::Settings>(std::move(settings));
}

// What a running server is made of, as far as it can be asked about itself.
struct Process {
  explicit Process(const std::filesystem::path& depot) : settings(settings_of(depot)) {
    events.listen([this](const Event& event) {
      if (const auto* warned = event.get_if<event::Warned>()) told.push_back(*warned);
    });
  }

  LiveSettings settings;
  Events events;
  std::vector<event::Warned> told;
  Running running{events};
  net::io_context loop;
  Library library{settings->depot, settings->uploads};
  Lanes lanes{loop};
  ServedCertificate certificate{loop, lanes, events, settings, library.depot};
  Api::Now now;
  Control control{{loop, lanes, events, running, library, settings, certificate, [this] { return now; },
                   [](const storage::Record&) { return true; }, "/etc/apdepot/apdepot.yaml"}};

  std::filesystem::path socket_file() const { return library.depot.state() / "control.sock"; }

  // The answer, with its header.
  template <class Socket>
  std::string ask(Socket& socket, const std::string& path) {
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    REQUIRE(socket.send(net::buffer(request)) == request.size());
    return read_to_end(socket);
  }
  std::string ask(const std::string& path) {
    auto socket = ControlSocket::connect(loop, library.depot.state());
    return ask(socket, path);
  }
  template <class Socket>
  std::string read_to_end(Socket& socket) {
    socket.non_blocking(true);
    std::string text;
    std::array<char, 65'536> buffer;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      error_code failure;
      const auto size = socket.receive(net::buffer(buffer), 0, failure);
      text.append(buffer.data(), size);
      if (failure == net::error::eof) return text;
      if (!failure) continue;
      REQUIRE(failure == net::error::would_block);
      REQUIRE(std::chrono::steady_clock::now() < end);
      turn();
    }
  }
  void turn() {
    const auto guard = net::make_work_guard(loop);
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(100));
  }
  void run_until_lanes_are_idle() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (lanes.busy() > 0) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      turn();
    }
  }
};

struct House {
  test::TempDir directory;
  std::optional<Process> process{std::in_place, directory.path()};
  Process* operator->() { return &*process; }
};

conf::Metrics metrics_at(std::vector<Endpoint> listen) { return {std::move(listen)}; }

std::uint16_t free_port() {
  net::io_context loop;
  return tcp::acceptor(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0)).local_endpoint().port();
}

event::Missed miss_of(const std::string& name) {
  return {7,
          event::Protocol::tftp,
          "192.0.2.1",
          name,
          {storage::Cause::not_found, name + " does not exist", "", {}, {}}};
}

}  // namespace

TEST_CASE("a running server is asked over control.sock, and tells what its process is doing") {
  House house;
  house->control.begin({}, {});
  CHECK(house->told.empty());
  CHECK(has(house->ask("/healthz"), "HTTP/1.1 200 OK\r\n"));
  house->now.draining = true;
  house->now.sessions = 3;
  house->now.releases = 12;
  const auto health = house->ask("/healthz");
  CHECK(has(health, "HTTP/1.1 503 "));
  CHECK(health.ends_with("\r\n\r\ndraining\n"));
  const auto metrics = house->ask("/metrics");
  CHECK(has(metrics, "\napdepot_ssh_sessions 3\n"));
  CHECK(has(metrics, "\napdepot_releases 12\n"));
  CHECK(has(house->ask("/nowhere"), "HTTP/1.1 404 "));
}

TEST_CASE("nobody is answered before it begins") {
  House house;
  CHECK_FALSE(std::filesystem::exists(house->socket_file()));
  CHECK_THROWS_AS(house->ask("/healthz"), std::system_error);
}

TEST_CASE("the socket is for its owner and the group alone") {
  using std::filesystem::perms;
  House house;
  house->control.begin({}, {});
  const auto rights = std::filesystem::status(house->socket_file()).permissions();
  CHECK((rights & perms::others_all) == perms::none);
  CHECK((rights & perms::group_write) == perms::group_write);
}

TEST_CASE("what happens is counted from the start on, before anybody may ask") {
  House house;
  house->events.emit(miss_of("/first"));
  house->control.begin({}, {});
  house->events.emit(miss_of("/second"));
  const auto metrics = house->ask("/metrics");
  const auto misses = metrics.find("\napdepot_misses_total{protocol=\"tftp\",");
  REQUIRE(misses != metrics.npos);
  CHECK(metrics.substr(misses + 1, metrics.find('\n', misses + 1) - misses - 1).ends_with("} 2"));
  const auto recent = house->ask("/api/v1/recent");
  CHECK(has(recent, "/first"));
  CHECK(has(recent, "/second"));
}

TEST_CASE("each answer is counted by its door and its status") {
  House house;
  const auto port = free_port();
  house->control.begin(metrics_at({{"127.0.0.1", port}}), {});
  house->ask("/nowhere");
  house->ask("/nowhere");
  house->ask("/healthz");
  const auto metrics = house->ask("/metrics");
  CHECK(has(metrics, "{door=\"control\",code=\"404\"} 2\n"));
  CHECK(has(metrics, "{door=\"control\",code=\"200\"} 1\n"));
  tcp::socket scraper(house->loop);
  scraper.connect({net::ip::address_v4::loopback(), port});
  house->ask(scraper, "/metrics");
  CHECK(has(house->ask("/metrics"), "{door=\"metrics\",code=\"200\"} 1\n"));
}

TEST_CASE("the door of the metrics shows the metrics, and nothing else of the server") {
  House house;
  const auto port = free_port();
  house->control.begin(metrics_at({{"127.0.0.1", port}}), {});
  for (const auto& [path, answer] :
       std::vector<std::pair<std::string, std::string>>{{"/metrics", "HTTP/1.1 200 OK"},
                                                        {"/healthz", "HTTP/1.1 200 OK"},
                                                        {"/api/v1/status", "HTTP/1.1 404 "},
                                                        {"/api/v1/log", "HTTP/1.1 404 "}}) {
    CAPTURE(path);
    tcp::socket scraper(house->loop);
    scraper.connect({net::ip::address_v4::loopback(), port});
    CHECK(has(house->ask(scraper, path), answer));
  }
}

TEST_CASE("lines of the log that are kept can be read back") {
  House house;
  house->control.begin({}, {});
  house->control.keep({conf::LogLevel::normal, Severity::info, "in.tftpd[7]: the first line"},
                      "tftp.requested");
  house->control.keep({conf::LogLevel::debug, Severity::info, "apdepot: the second line"}, "process.warned");
  const auto log = house->ask("/api/v1/log");
  CHECK(has(log, "\"text\":\"in.tftpd[7]: the first line\",\"event\":\"tftp.requested\""));
  CHECK(has(log, "\"level\":\"debug\",\"text\":\"apdepot: the second line\""));
}

TEST_CASE("who reads the lines of the log does not see the code that makes the first administrator") {
  House house;
  std::vector<tcp::acceptor> page;
  page.emplace_back(house->loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));
  house->control.begin({}, std::move(page));
  REQUIRE(house->told.size() == 1);
  const auto line = house->told[0].text, url = house->control.setup_url();
  REQUIRE(has(line, url));
  house->control.keep({conf::LogLevel::quiet, Severity::warning, line}, "server.warned");
  const auto code = url.substr(url.find("#code=") + 6);
  const auto log = house->ask("/api/v1/log");
  CHECK(has(log, "/#code=... makes you its first administrator"));
  CHECK_FALSE(has(log, code));
}

TEST_CASE("of two servers of one depot the second says that it cannot be asked, and leaves the first alone") {
  House house;
  house->control.begin({}, {});
  {
    Process other(house.directory.path());
    other.control.begin({}, {});
    REQUIRE(other.told.size() == 1);
    CHECK(other.told[0].kind == Warning::control_socket);
    CHECK(other.told[0].text ==
          "`apdepot status` cannot ask this server: another server of this depot answers it");
    other.control.end();
    other.run_until_lanes_are_idle();
  }
  CHECK(has(house->ask("/healthz"), "HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("the socket of a server that was killed is taken over") {
  House house;
  std::filesystem::create_directories(house->library.depot.state());
  {
    net::io_context loop;
    const net::local::stream_protocol::acceptor killed(
        loop, net::local::stream_protocol::endpoint(house->socket_file().string()));
  }
  REQUIRE(std::filesystem::exists(house->socket_file()));
  house->control.begin({}, {});
  CHECK(house->told.empty());
  CHECK(has(house->ask("/healthz"), "HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("where there can be no socket, that is a warning, and the metrics are served") {
  House house;
  const auto port = free_port();
  std::filesystem::remove_all(house->library.depot.state());
  house->control.begin(metrics_at({{"127.0.0.1", port}}), {});
  REQUIRE(house->told.size() == 1);
  CHECK(house->told[0].kind == Warning::control_socket);
  CHECK(house->told[0].text.starts_with("`apdepot status` cannot ask this server: "));
  CHECK(has(house->told[0].text, "No such file or directory"));
  tcp::socket scraper(house->loop);
  scraper.connect({net::ip::address_v4::loopback(), port});
  CHECK(has(house->ask(scraper, "/metrics"), "HTTP/1.1 200 OK"));
}

TEST_CASE("an address where the metrics cannot be served is a warning, and the others are served") {
  House house;
  const tcp::acceptor taken(house->loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));
  const Endpoint in_use{"127.0.0.1", taken.local_endpoint().port()}, free{"127.0.0.2", free_port()};
  house->control.begin(metrics_at({in_use, {"nowhere", 80}, free}), {});
  REQUIRE(house->told.size() == 2);
  CHECK(house->told[0].kind == Warning::metrics);
  CHECK(house->told[0].text ==
        "metrics are not served on " + in_use.text() + ": Address already in use; change metrics.listen");
  CHECK(house->told[1].text.starts_with("metrics are not served on nowhere:80: "));
  CHECK(house->told[1].text.ends_with("; change metrics.listen"));
  tcp::socket scraper(house->loop);
  scraper.connect({net::ip::make_address(free.address), free.port});
  CHECK(has(house->ask(scraper, "/metrics"), "HTTP/1.1 200 OK"));
}

TEST_CASE("at its end it answers nobody any more, and its socket is gone") {
  House house;
  const auto port = free_port();
  house->control.begin(metrics_at({{"127.0.0.1", port}}), {});
  REQUIRE(has(house->ask("/healthz"), "HTTP/1.1 200 OK\r\n"));
  house->control.end();
  house->run_until_lanes_are_idle();
  CHECK_FALSE(std::filesystem::exists(house->socket_file()));
  tcp::socket scraper(house->loop);
  error_code failure;
  scraper.connect({net::ip::address_v4::loopback(), port}, failure);
  CHECK(failure == net::error::connection_refused);
}

TEST_CASE("whoever only looks on does not hold up the end: his stream ends where the server drains") {
  House house;
  house->control.begin({}, {});
  auto viewer = ControlSocket::connect(house->loop, house->library.depot.state());
  const std::string request = "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
  REQUIRE(viewer.send(net::buffer(request)) == request.size());
  viewer.non_blocking(true);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (viewer.available() == 0 && std::chrono::steady_clock::now() < end) house->turn();
  house->control.drain();
  const auto told = house->read_to_end(viewer);
  CHECK(has(told, "HTTP/1.1 200 OK\r\n"));
  CHECK(has(told, "text/event-stream"));
  CHECK(has(house->ask("/healthz"), "HTTP/1.1 200 OK\r\n"));  // it is drained, and can be asked about that
}
