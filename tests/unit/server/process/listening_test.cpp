#include "server/process/listening.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/load.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/events/warning.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/process/manager.hpp"

using namespace server;
using conf::Endpoint;

namespace {

using Texts = std::vector<std::string>;
const Endpoint first{"127.0.0.1", 0}, second{"127.0.0.2", 0}, third{"127.0.0.3", 0};

std::shared_ptr<const conf::Settings> settings_of(const std::filesystem::path& depot) {
  auto settings = conf::load_defaults().settings;
  settings.depot = depot;
  return std::make_shared<const conf::Settings>(std::move(settings));
}

// Every service of a server, on one thread.
struct House {
  const test::NoManager none{};
  test::TempDir directory;
  LiveSettings settings{settings_of(directory.path())};
  Events events;
  Texts told;
  Running running{events};
  net::io_context loop;
  Library library{settings->depot, settings->uploads};
  Lanes lanes{loop};
  TftpService tftp{loop, lanes, events, settings, library, running};
  SshService ssh{loop, lanes, events, settings, library, running};
  http::ImageService images{loop, lanes, events, settings, library, running};
  SyslogService syslog{lanes, events, settings, library};
  Listening listening{loop, lanes.disk, events, tftp, ssh, images, syslog};
  conf::Settings wanted;  // by the configuration

  House() {
    directory.write("images/image", "image");
    events.listen([this](const Event& event) {
      const auto* warned = event.get_if<event::Warned>();
      if (!warned) return;
      CHECK(warned->kind == Warning::addresses);
      told.push_back(warned->text);
    });
  }

  // Serves what `wanted` names, beside a socket that was handed over for TFTP.
  void begin(std::optional<udp::socket> handed_over = {}) {
    ListenPlan plan{wanted.tftp.listen,
                    wanted.ssh.listen,
                    wanted.http.endpoints(false),
                    wanted.http.endpoints(true),
                    wanted.syslog.listen,
                    true,
                    true,
                    {}};
    Listeners listeners;
    if (handed_over) listeners.tftp.push_back({std::nullopt, std::move(*handed_over)});
    if (!plan.tftp.empty() || !plan.ssh.empty() || !plan.http.empty() || !plan.https.empty()) {
      auto opened = listen(loop, plan, {});
      for (auto& each : opened.tftp) listeners.tftp.push_back(std::move(each));
      listeners.ssh = std::move(opened.ssh);
      listeners.http = std::move(opened.http);
      listeners.https = std::move(opened.https);
      listeners.syslog = std::move(opened.syslog);
    }
    listening.begin(listeners);
  }
  Texts follow() {
    listening.follow(wanted);
    return take_told();
  }
  Texts take_told() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (lanes.disk.busy() > 0) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      loop.restart();
      loop.run_one_for(std::chrono::milliseconds(100));
    }
    return std::exchange(told, {});
  }
  // Whether a device that asks there gets its image.
  bool serves_tftp_at(const std::string& text) {
    const auto at = conf::parse_endpoint(text).value();
    udp::socket client(loop, udp::endpoint(net::ip::address_v4::any(), 0));
    client.non_blocking(true);
    client.send_to(net::buffer("\0\1image\0octet", 14),
                   udp::endpoint(net::ip::make_address(at.address), at.port));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      loop.restart();
      loop.run_one_for(std::chrono::milliseconds(10));
      if (client.available() > 0) return true;
      if (std::chrono::steady_clock::now() > end) return false;
    }
  }
};

bool is_free(const std::string& text, bool is_udp) {
  const auto at = conf::parse_endpoint(text).value();
  const auto address = net::ip::make_address(at.address);
  net::io_context loop;
  error_code error;
  return is_udp ? open_listener(loop, udp::endpoint(address, at.port), error).has_value()
                : open_listener(loop, tcp::endpoint(address, at.port), error).has_value();
}

udp::socket bound_socket(net::io_context& loop, const char* address = "127.0.0.1") {
  udp::socket socket(loop, udp::endpoint(net::ip::make_address(address), 0));
  prepare_listener(socket);
  socket.non_blocking(true);
  return socket;
}

}  // namespace

TEST_CASE("what is served is told with the ports that the system gave") {
  House house;
  house.wanted.tftp.listen = {first, second};
  house.wanted.ssh.listen = {first};
  house.wanted.http.listen = {{first, false}, {first, true}};
  house.wanted.syslog.listen = {first};
  house.begin();
  const auto& listening = house.listening;
  REQUIRE(listening.tftp().size() == 2);
  REQUIRE(listening.ssh().size() == 1);
  REQUIRE(listening.http().size() == 2);
  REQUIRE(listening.syslog().size() == 1);
  CHECK(listening.tftp()[1].starts_with("127.0.0.2:"));
  CHECK_FALSE(listening.tftp()[1].ends_with(":0"));
  CHECK(listening.http()[1].starts_with("https://127.0.0.1:"));
  CHECK(listening.text() == "tftp " + listening.tftp()[0] + ", tftp " + listening.tftp()[1] + ", ssh " +
                                listening.ssh()[0] + ", http " + listening.http()[0] + ", https " +
                                listening.http()[1].substr(8) + ", syslog " + listening.syslog()[0] + ", ");
  CHECK(listening.serves_ssh());
  CHECK(listening.serves_https());
  CHECK_FALSE(listening.on_usual_ports());
  CHECK(house.take_told().empty());
  CHECK(house.serves_tftp_at(listening.tftp()[0]));
  CHECK(house.serves_tftp_at(listening.tftp()[1]));
}

TEST_CASE("a server without SFTP and HTTPS says so") {
  House house;
  house.wanted.tftp.listen = {first};
  house.wanted.http.listen = {{first, false}};
  house.begin();
  CHECK_FALSE(house.listening.serves_ssh());
  CHECK_FALSE(house.listening.serves_https());
}

TEST_CASE("a configuration that names the same addresses changes nothing") {
  House house;
  house.wanted.tftp.listen = {first, second};
  house.wanted.ssh.listen = {first};
  house.wanted.http.listen = {{first, true}};
  house.begin();
  const auto before = house.listening.text();
  std::swap(house.wanted.tftp.listen[0], house.wanted.tftp.listen[1]);
  CHECK(house.follow().empty());
  CHECK(house.listening.text() == before);
}

TEST_CASE("a new address is opened before an old one is closed, and both are told") {
  House house;
  house.wanted.tftp.listen = {first};
  house.wanted.ssh.listen = {first};
  house.begin();
  const auto old = house.listening.tftp()[0];
  const auto ssh = house.listening.ssh();
  house.wanted.tftp.listen = {second};
  const auto told = house.follow();
  REQUIRE(house.listening.tftp().size() == 1);
  const auto now = house.listening.tftp()[0];
  CHECK(now.starts_with("127.0.0.2:"));
  CHECK(told == Texts{"TFTP " + now + " is served from now on", "TFTP " + old + " is not served any more"});
  CHECK(house.serves_tftp_at(now));
  CHECK(is_free(old, true));
  CHECK(house.listening.ssh() == ssh);
}

TEST_CASE("every protocol follows the configuration by itself") {
  House house;
  house.wanted.tftp.listen = {first};
  house.wanted.http.listen = {{first, false}};
  house.begin();
  const auto http = house.listening.http()[0];
  house.wanted.ssh.listen = {second};
  house.wanted.http.listen = {{second, true}};
  house.wanted.syslog.listen = {second};
  const auto told = house.follow();
  REQUIRE(house.listening.ssh().size() == 1);
  REQUIRE(house.listening.http().size() == 1);
  REQUIRE(house.listening.syslog().size() == 1);
  const auto https = house.listening.http()[0].substr(8);
  CHECK(told == Texts{"SFTP " + house.listening.ssh()[0] + " is served from now on",
                      "HTTP " + http + " is not served any more", "HTTPS " + https + " is served from now on",
                      "syslog " + house.listening.syslog()[0] + " is served from now on"});
  CHECK(is_free(http, false));
  CHECK_FALSE(is_free(https, false));
  CHECK(house.listening.serves_https());

  const auto ssh = house.listening.ssh()[0], syslog = house.listening.syslog()[0];
  house.wanted = {};
  CHECK(house.follow().size() == 4);
  CHECK(house.listening.text().empty());
  for (const auto& gone : {ssh, https}) CHECK(is_free(gone, false));
  CHECK(is_free(syslog, true));
}

TEST_CASE("where one address cannot be opened its protocol stays as it is, and others follow") {
  House house;
  house.wanted.tftp.listen = {first};
  house.begin();
  const auto old = house.listening.tftp();
  const auto taken = bound_socket(house.loop, "127.0.0.3");
  const Endpoint in_use{"127.0.0.3", taken.local_endpoint().port()};
  house.wanted.tftp.listen = {second, in_use};
  house.wanted.ssh.listen = {first};
  const auto told = house.follow();
  CHECK(house.listening.tftp() == old);
  CHECK(house.serves_tftp_at(old[0]));
  REQUIRE(house.listening.ssh().size() == 1);
  REQUIRE(told.size() == 2);
  CHECK(told[0] == "SFTP " + house.listening.ssh()[0] + " is served from now on");
  CHECK(
      told[1].starts_with("tftp.listen is not changed, the old addresses are served: cannot listen on UDP " +
                          in_use.text() + ": the port is in use by "));
}

TEST_CASE("an address that this host has not, or whose interface it has not, changes nothing") {
  House house;
  house.wanted.tftp.listen = {first};
  house.begin();
  const auto old = house.listening.tftp();
  house.wanted.tftp.listen = {second, {"192.0.2.1", 0}};
  CHECK(house.follow() ==
        Texts{"tftp.listen is not changed, the old addresses are served: cannot listen on UDP "
              "192.0.2.1:0: no interface of this host has that address: `ip address` lists them"});
  house.wanted.tftp.listen = {second, {"fe80::1%nosuchif0", 69}};
  CHECK(house.follow() ==
        Texts{"tftp.listen is not changed, the old addresses are served: cannot listen on UDP "
              "[fe80::1%nosuchif0]:69: this host has no interface nosuchif0: `ip link` lists them"});
  CHECK(house.listening.tftp() == old);
}

TEST_CASE("an address that overlaps with one that is open waits for a restart") {
  House house;
  std::uint16_t port = 0;
  {
    const auto any = bound_socket(house.loop);
    port = any.local_endpoint().port();
  }
  const Endpoint one{"127.0.0.1", port}, all{"0.0.0.0", port};
  house.wanted.tftp.listen = {one};
  house.begin();
  house.wanted.tftp.listen = {all};
  CHECK(house.follow() ==
        Texts{"tftp.listen is not changed, the old addresses are served: cannot listen on UDP " + all.text() +
              " overlaps with " + one.text() + ", which is open: restart the server"});
  CHECK(house.listening.tftp() == Texts{one.text()});
  CHECK(house.serves_tftp_at(one.text()));
}

TEST_CASE("a socket that was handed over is served whatever the configuration says") {
  House house;
  auto socket = bound_socket(house.loop);
  const auto given = Endpoint{"127.0.0.1", socket.local_endpoint().port()};
  house.wanted.tftp.listen = {second};
  house.begin(std::move(socket));
  CHECK(house.listening.tftp().size() == 2);
  house.wanted.tftp.listen = {third};
  const auto told = house.follow();
  REQUIRE(told.size() == 3);
  CHECK(told[2].starts_with("apdepot-tftp.socket has opened " + given.text() +
                            ", which tftp.listen does not name"));
  house.wanted.tftp.listen = {};
  house.follow();
  CHECK(house.listening.tftp() == Texts{given.text()});
  house.wanted.tftp.listen = {given};
  CHECK(house.follow().empty());
  CHECK(house.serves_tftp_at(given.text()));
}

TEST_CASE("an address whose interface was made again gets another socket") {
  House house;
  house.wanted.tftp.listen = {first, second};
  house.begin();
  const auto before = house.listening.tftp();
  house.listening.open_again(first);
  CHECK(house.take_told() == Texts{"TFTP 127.0.0.1:0 is served again: its interface was made again"});
  auto after = house.listening.tftp();
  REQUIRE(after.size() == 2);
  CHECK(std::ranges::count(after, before[0]) == 0);
  CHECK(std::ranges::count(after, before[1]) == 1);
  CHECK(is_free(before[0], true));
  for (const auto& each : after) CHECK(house.serves_tftp_at(each));
  CHECK(house.follow().empty());  // it is the same address as before
}

TEST_CASE("an address that cannot be opened again keeps its old socket, and that is told with the reason") {
  House house;
  std::uint16_t port = 0;
  {
    const auto any = bound_socket(house.loop);
    port = any.local_endpoint().port();
  }
  const Endpoint one{"127.0.0.1", port};
  house.wanted.tftp.listen = {one};
  house.begin();
  house.listening.open_again(one);
  const auto told = house.take_told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].starts_with("nothing is heard on TFTP " + one.text() +
                            " any more: its interface was made again, and the port is in use by "));
  CHECK(house.listening.tftp() == Texts{one.text()});
}

TEST_CASE(
    "an address that nobody serves is not opened again, and one that several protocols have is for each") {
  House house;
  house.wanted.tftp.listen = house.wanted.ssh.listen = house.wanted.syslog.listen = {first};
  house.wanted.http.listen = {{first, false}, {first, true}};
  house.begin();
  const auto before = house.listening.text();
  house.listening.open_again(second);
  CHECK(house.take_told().empty());
  CHECK(house.listening.text() == before);
  house.listening.open_again(first);
  Texts told;
  for (const auto* service : {"TFTP", "SFTP", "HTTP", "HTTPS", "syslog"})
    told.push_back(std::string(service) + " 127.0.0.1:0 is served again: its interface was made again");
  CHECK(house.take_told() == told);
}

TEST_CASE("the manager keeps the configuration's sockets, and not those that it handed over itself") {
  House house;
  test::Manager manager;
  house.wanted.tftp.listen = {second};
  house.wanted.ssh.listen = {first};
  house.begin(bound_socket(house.loop));
  const std::string keep_tftp = "FDSTORE=1\nFDNAME=apdepot-tftp-kept\n";
  CHECK(manager.heard() == Texts{keep_tftp, "FDSTORE=1\nFDNAME=apdepot-ssh-kept\n"});
  house.follow();
  CHECK(manager.heard().empty());
  const std::string drop_tftp = "FDSTOREREMOVE=1\nFDNAME=apdepot-tftp-kept\n";
  house.wanted.tftp.listen = {second, third};
  house.follow();
  CHECK(manager.heard() == Texts{drop_tftp, keep_tftp, keep_tftp});
  house.listening.open_again(third);
  CHECK(manager.heard() == Texts{drop_tftp, keep_tftp, keep_tftp});
  house.wanted.tftp.listen = {};
  house.follow();
  CHECK(manager.heard() == Texts{drop_tftp});
}
