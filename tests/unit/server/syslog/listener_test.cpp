#include "server/syslog/listener.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/load.hpp"
#include "protocols/syslog/message.hpp"
#include "server/events/events.hpp"
#include "server/events/syslog.hpp"
#include "server/events/tftp.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using namespace std::chrono_literals;
using event::SyslogLimit;
using Kind = storage::LogMessage::Kind;

namespace {

constexpr auto patience = 60s;

conf::Settings settings_with(const std::filesystem::path& depot) {
  auto settings = conf::load_defaults().settings;
  settings.depot = depot;
  settings.syslog.allow = {*conf::parse_network("127.0.0.0/8")};
  settings.syslog.max_lines_per_second = settings.syslog.max_lines_per_second_in_all = 100'000;
  return settings;
}

// A controller's line, with its name.
std::string failure(const std::string& url, const std::string& reason) {
  return fmt::format(
      "<187>57: 9120-EWC: *Feb  1 20:52:13.977: %INSTALL-3-OPERATION_ERROR_MESSAGE: Chassis 1 R0/0: "
      "install_engine: Failed to install_add package {0}, Error: Failed to download file {0}: {1}",
      url, reason);
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// The service with one release at 127.0.0.1, and the devices that send to it. Nothing happens but when the
// test lets the loop run.
struct House {
  test::TempDir directory;
  conf::Settings loaded = settings_with(directory.path());
  LiveSettings settings{std::make_shared<const conf::Settings>(loaded)};
  net::io_context loop;
  Library library{loaded.depot, loaded.uploads};
  Lanes lanes{loop};
  Events events;
  SyslogService syslog{lanes, events, settings, library};
  std::vector<event::ControllerSaid> said;
  std::vector<event::SyslogRefused> refused;
  udp::endpoint server;

  House() {
    directory.write("images/EWC/17_9_4a/ap1g8", "image");
    events.listen([this](const Event& event) {
      if (const auto* one = event.get_if<event::ControllerSaid>()) said.push_back(*one);
      if (const auto* one = event.get_if<event::SyslogRefused>()) refused.push_back(*one);
    });
    server = serve("127.0.0.1");
  }

  udp::endpoint serve(const char* address) {
    udp::socket listener(loop, udp::endpoint(net::ip::make_address(address), 0));
    prepare_listener(listener);
    listener.non_blocking(true);
    const auto bound = listener.local_endpoint();
    syslog.serve(std::move(listener));
    return bound;
  }
  void reload() { settings.replace(std::make_shared<const conf::Settings>(loaded)); }
  void send(const std::string& line, const char* source = "127.0.0.1") { send_to(server, line, source); }
  void send_to(const udp::endpoint& to, const std::string& line, const char* source = "127.0.0.1") {
    udp::socket device(loop, udp::endpoint(net::ip::make_address(source), 0));
    device.send_to(net::buffer(line), to);
  }
  template <class Condition>
  bool comes(Condition holds) {
    loop.restart();
    const auto guard = net::make_work_guard(loop);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!holds() && std::chrono::steady_clock::now() < until) loop.run_one_for(1s);
    return holds();
  }
  bool hears(std::size_t count) {
    return comes([&] { return said.size() >= count; });
  }
  // What was sent before has been looked at: a last line of somebody else is told after it.
  void pass() {
    constexpr auto last = "127.9.9.9";
    const auto before = said.size();
    send(failure(fmt::format("tftp://127.0.0.1/last-{}", ++passed), "Timed out"), last);
    REQUIRE(comes([&] { return !said.empty() && said.back().client == last && said.size() > before; }));
    said.pop_back();
  }
  int passed = 0;
};

}  // namespace

// ---- What is told

TEST_CASE("a failed download is told with who said it, what is wrong here, and the controller's line") {
  House house;
  house.send(failure("tftp://127.0.0.1/Wrong-Path/ap1g8", "No such file or directory"));
  REQUIRE(house.hears(1));
  const auto& said = house.said[0];
  CHECK(said.client == "127.0.0.1");
  CHECK(said.host == "9120-EWC");
  CHECK(said.said.kind == Kind::failed);
  CHECK(said.said.url == "tftp://127.0.0.1/Wrong-Path/ap1g8");
  CHECK(said.said.reason == "No such file or directory");
  CHECK(has(said.finding, "/Wrong-Path does not exist"));
  CHECK(has(said.fix, "tftp-image-path /EWC/17_9_4a"));
  CHECK(said.bad);
  CHECK(said.untold == 0);
}

TEST_CASE("a controller that asks another server is told the address of this one that it can reach") {
  House house;
  house.send(failure("tftp://203.0.113.5/EWC/17_9_4a/ap1g8", "Timed out"));
  REQUIRE(house.hears(1));
  CHECK(has(house.said[0].finding, "9120-EWC asks 203.0.113.5, and this server is 127.0.0.1"));
  CHECK(house.said[0].fix == "tftp-image-server 127.0.0.1");
  auto anywhere = house.serve("0.0.0.0");
  anywhere.address(net::ip::make_address("127.0.0.7"));
  house.send_to(anywhere, failure("tftp://203.0.113.5/EWC/17_9_4a/ap1g8", "Timed out"), "127.0.0.8");
  REQUIRE(house.hears(2));
  CHECK(house.said[1].fix == "tftp-image-server 127.0.0.7");
}

TEST_CASE("a device without a name is called by its address") {
  House house;
  house.send("<187>Failed to download file tftp://203.0.113.5/EWC/17_9_4a/ap1g8: Timed out", "127.0.0.8");
  REQUIRE(house.hears(1));
  CHECK(house.said[0].host.empty());
  CHECK(has(house.said[0].finding, "127.0.0.8 asks 203.0.113.5"));
}

TEST_CASE("what an access point asked for is told with its failure, and not before") {
  House house;
  house.send(
      "<13>Feb 13 11:11:40 kernel: [*02/13/2024 11:11:40.1030] Image Data Request sent to 172.16.4.26, "
      "fileName [ap1g8], slaveStatus 0");
  house.send("<13>Feb 13 11:12:09 kernel: Going to restart CAPWAP (reason : image download cannot start)...");
  house.pass();
  REQUIRE(house.said.size() == 1);
  CHECK(house.said[0].said.kind == Kind::cannot_start);
  CHECK(
      has(house.said[0].finding, "did not get ap1g8, because its controller 172.16.4.26 could not fetch it"));
  CHECK(has(house.said[0].finding, "/EWC/17_9_4a/ap1g8 is served here"));
}

TEST_CASE("what went well is told too, and is not a failure") {
  House house;
  house.send("<189>58: 9120-EWC: *Feb  1 17:07:00.720: AP Event: AP Image Download Success");
  REQUIRE(house.hears(1));
  CHECK(house.said[0].finding == "an access point has its image");
  CHECK(house.said[0].fix.empty());
  CHECK_FALSE(house.said[0].bad);
}

TEST_CASE("the same line again is told once, of each device and for each file by itself") {
  House house;
  const auto line = failure("tftp://203.0.113.5/a/ap1g8", "Timed out");
  for (int i = 0; i < 5; ++i) house.send(line);
  house.send(line, "127.0.0.2");
  house.send(failure("tftp://203.0.113.5/b/ap1g8", "Timed out"));
  house.send(failure("tftp://203.0.113.5/a/ap1g8", "Connection refused"));
  house.pass();
  std::vector<std::string> told;
  for (const auto& each : house.said)
    told.push_back(each.client + " " + each.said.url + " " + each.said.reason);
  CHECK(told == std::vector<std::string>{"127.0.0.1 tftp://203.0.113.5/a/ap1g8 Timed out",
                                         "127.0.0.2 tftp://203.0.113.5/a/ap1g8 Timed out",
                                         "127.0.0.1 tftp://203.0.113.5/b/ap1g8 Timed out",
                                         "127.0.0.1 tftp://203.0.113.5/a/ap1g8 Connection refused"});
}

TEST_CASE("a timeout is explained by what the device has asked here, from when lines are heard on") {
  const event::TftpRequested asked{7, "127.0.0.1", "/EWC/17_9_4a/ap1g8", false};
  const auto line = failure("tftp://127.0.0.1/EWC/17_9_4a/ap1g8", "Timed out");
  House house;
  house.events.emit(asked);
  house.send(line);
  REQUIRE(house.hears(1));
  CHECK(has(house.said[0].finding,
            "its request arrived from 127.0.0.1, and what was sent back did not reach it"));
  House deaf;
  deaf.syslog.stop_listening();
  deaf.events.emit(asked);
  deaf.server = deaf.serve("127.0.0.1");
  deaf.send(line);
  REQUIRE(deaf.hears(1));
  CHECK(has(deaf.said[0].finding, "no request of 9120-EWC has arrived here"));
}

// ---- Hostile senders

TEST_CASE("lines that are about nothing, or are no lines, tell nothing and stop nothing") {
  House house;
  for (const auto& line :
       {std::string(), std::string("\0\0\0", 3), std::string("<187>"), std::string("\xff\xfe\x80"),
        std::string(60'000, 'x'), std::string(60'000, '\n'), std::string("<999>1 - - - - - [[[[\"\\"),
        std::string("<189>57: EWC: *Feb  1 20:29:14: %SYS-5-CONFIG_I: Configured from console")}) {
    house.send(line);
    house.pass();
  }
  CHECK(house.said.empty());
  CHECK(house.refused.empty());
}

TEST_CASE("of a long line the beginning is read, and what is told of it is short") {
  House house;
  house.send(failure("tftp://127.0.0.1/EWC/17_9_4a/ap1g8", "something new " + std::string(60'000, 'x')));
  REQUIRE(house.hears(1));
  CHECK(house.said[0].said.url == "tftp://127.0.0.1/EWC/17_9_4a/ap1g8");
  CHECK(house.said[0].said.reason.size() < syslog::longest_message);
  CHECK(house.said[0].finding.size() < 1'000);
}

TEST_CASE("what a terminal obeys is not in what is told") {
  House house;
  house.send(failure("tftp://203.0.113.5/\x1b[2J/ap1g8", "\x07Timed out"));
  REQUIRE(house.hears(1));
  for (const auto* text : {&house.said[0].finding, &house.said[0].fix, &house.said[0].host}) {
    CHECK_FALSE(has(*text, "\x1b"));
    CHECK_FALSE(has(*text, "\x07"));
  }
  CHECK(has(house.said[0].finding, "\\x1b[2J"));
}

TEST_CASE("one datagram tells four messages at most") {
  House house;
  std::string many;
  for (int i = 0; i < 6; ++i)
    many += fmt::format(
        "*Feb  1 20:52:1{0}: %INSTALL-5-INSTALL_COMPLETED_INFO: Completed install add tftp://a/{0}\n", i);
  house.send(many);
  house.pass();
  REQUIRE(house.said.size() == 4);
  CHECK(house.said[0].said.url == "tftp://a/0");
  CHECK(house.said[3].said.url == "tftp://a/3");
}

TEST_CASE("who is not listed is refused unread, told once and counted, whatever address he forges") {
  House house;
  house.loaded.syslog.allow = {*conf::parse_network("127.0.0.2/32"), *conf::parse_network("127.9.9.9/32")};
  house.reload();
  house.send(failure("tftp://127.0.0.1/a", "Timed out"));
  house.send(failure("tftp://127.0.0.1/a", "Timed out"));
  house.send(failure("tftp://127.0.0.1/a", "Timed out"), "127.0.0.3");
  house.send(failure("tftp://127.0.0.1/b", "Timed out"), "127.0.0.2");
  house.pass();
  REQUIRE(house.refused.size() == 3);
  CHECK(house.refused[0].client == "127.0.0.1");
  CHECK(house.refused[2].client == "127.0.0.3");
  for (const auto& each : house.refused) CHECK(each.limit == SyslogLimit::not_allowed);
  CHECK(house.refused[0].rare);
  CHECK_FALSE(house.refused[1].rare);
  CHECK_FALSE(house.refused[2].rare);
  REQUIRE(house.said.size() == 1);
  CHECK(house.said[0].client == "127.0.0.2");
}

TEST_CASE("lines beyond the rate of an address, or of all, are refused, and each limit is told") {
  constexpr std::size_t lines = 64;  // with a rate of 1 they would take a minute
  struct Row {
    std::uint32_t each, all;
    SyslogLimit limit;
  };
  for (const auto& [each, all, limit] : {Row{1, 100'000, SyslogLimit::lines_per_second},
                                         Row{100'000, 1, SyslogLimit::lines_per_second_in_all}}) {
    House house;
    house.loaded.syslog.max_lines_per_second = each;
    house.loaded.syslog.max_lines_per_second_in_all = all;
    house.reload();
    for (std::size_t i = 0; i < lines; ++i)
      house.send(fmt::format("<189>Completed install add tftp://a/{}", i));
    CHECK(house.comes([&] { return house.said.size() + house.refused.size() == lines; }));
    REQUIRE(house.refused.size() >= 1);
    CHECK(house.refused[0].limit == limit);
    CHECK(house.refused[0].rare);
    REQUIRE(house.said.size() >= 2);  // a burst of two seconds' worth
    CHECK(house.said[0].said.url == "tftp://a/0");
    CHECK(house.said[1].said.url == "tftp://a/1");
  }
}

TEST_CASE("one address has four diagnoses at a time, hears so beyond, and others have theirs") {
  House house;
  std::promise<void> release;
  house.lanes.explaining.post([held = release.get_future().share()] { held.wait(); });
  for (std::size_t i = 0; i < most_explanations_each + 2; ++i)
    house.send(failure(fmt::format("tftp://203.0.113.5/{}\x1b/ap1g8", i), "Timed out"));
  house.send(failure("tftp://203.0.113.5/other/ap1g8", "Timed out"), "127.0.0.2");
  CHECK(house.hears(2));
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& said = house.said.at(i);
    CHECK(said.finding ==
          fmt::format("tftp://203.0.113.5/{}\\x1b/ap1g8 Timed out: too many failures at once to "
                      "look into each",
                      most_explanations_each + i));
    CHECK(said.fix == "`apdepot diagnose FILE` reads the controller's log");
    CHECK(said.bad);
  }
  release.set_value();
  CHECK(house.hears(2 + most_explanations_each + 1));
  for (std::size_t i = 2; i < house.said.size(); ++i) CHECK(has(house.said[i].finding, "asks 203.0.113.5"));
  CHECK(house.said.back().client == "127.0.0.2");
  for (std::size_t i = 0; i < most_explanations_each; ++i)  // the places were given back
    house.send(failure(fmt::format("tftp://203.0.113.5/again/{}", i), "Timed out"));
  house.pass();
  CHECK(std::ranges::count_if(house.said, [](const auto& each) { return has(each.finding, "too many"); }) ==
        2);
}

TEST_CASE("a flood leaves the loop to others after 64 datagrams, and all of it is read in the end") {
  House house;
  house.loaded.syslog.allow = {};
  house.reload();
  for (int i = 0; i < 150; ++i) house.send("x");
  house.loop.restart();
  house.loop.run_one_for(10s);
  CHECK(house.refused.size() >= 1);
  CHECK(house.refused.size() <= 64);
  CHECK(house.comes([&] { return house.refused.size() == 150; }));
}

// ---- Addresses that come and go

TEST_CASE("an address that is closed hears nothing any more, and the others go on") {
  House house;
  const auto other = house.serve("127.0.0.1");
  house.syslog.close({net::ip::make_address("127.0.0.1"), 1});  // nobody listens there
  house.send(failure("tftp://203.0.113.5/a", "Timed out"));
  REQUIRE(house.hears(1));
  house.syslog.close(house.server);
  house.send(failure("tftp://203.0.113.5/b", "Timed out"));
  house.send_to(other, failure("tftp://203.0.113.5/c", "Timed out"));
  REQUIRE(house.hears(2));
  CHECK(house.said[1].said.url == "tftp://203.0.113.5/c");
}

TEST_CASE("after the end of listening nothing is heard, and the loop has nothing left to do") {
  House house;
  house.serve("127.0.0.1");
  house.send(failure("tftp://203.0.113.5/a", "Timed out"));
  house.syslog.stop_listening();
  house.loop.restart();
  house.loop.run_for(patience);
  CHECK(house.loop.stopped());
  CHECK(house.said.empty());
}
