#include "server/page/page.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "conf/settings.hpp"
#include "server/api/api.hpp"
#include "server/api/log.hpp"
#include "server/api/recent.hpp"
#include "server/api/stream.hpp"
#include "server/events/events.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
using http::Door;
using http::Proof;
using http::Role;

namespace {

const std::filesystem::path& depot_at(conf::Settings& settings, const std::filesystem::path& depot) {
  return settings.depot = depot;
}

// Every endpoint that a running server has.
struct Site {
  test::TempDir dir;
  net::io_context loop;
  std::shared_ptr<conf::Settings> of_depot = std::make_shared<conf::Settings>();
  Library library{depot_at(*of_depot, dir.path()), of_depot->uploads};
  Lanes lanes{loop};
  Events events;
  Running running{events};
  LiveSettings settings{of_depot};
  Tally tally;
  Recent recent;
  RecentLog log;
  Api api{{loop, lanes, events, running, tally, recent, library, settings, [] { return Api::Now{}; },
           [](storage::Record) { return true; }, [](const std::string&) {}, ""}};
  Stream stream{loop, running, log};
  ServedCertificate certificate{loop, lanes, events, settings, library.depot};
  Page page{loop, lanes, events, settings, library.depot, certificate};
  http::Router router;

  Site() {
    api.offer(router);
    page.offer(router);
    stream.offer(router);
    offer_log(router, loop, log);
  }

  unsigned ask(const http::Request& request) {
    std::optional<unsigned> status;
    router.answer(request, Door::page, http::Respond([&](http::Reply reply) { status = reply.status; }));
    REQUIRE(status);
    return *status;
  }
};

std::string path_for(const http::Route& route) {
  auto path = route.pattern;
  for (const std::string variable : {"{}", "{path...}"})
    if (const auto at = path.find(variable); at != path.npos) path.replace(at, variable.size(), "7");
  return path;
}

}  // namespace

TEST_CASE("no row of the page's door is open to who may not") {
  Site site;
  std::size_t changes = 0;
  for (const auto& route : site.router.routes()) {
    if (!route.doors.contains(Door::page)) continue;
    const auto ask = [&](Role role, Proof proof) {
      return site.ask({.method = route.method, .path = path_for(route), .role = role, .proof = proof});
    };
    CAPTURE(route.method);
    CAPTURE(route.pattern);
    if (route.needs != Role::none) CHECK(ask(Role::none, Proof::given) == 401);
    if (route.needs == Role::admin) CHECK(ask(Role::viewer, Proof::given) == 403);
    CHECK(route.writes == (route.method != "GET"));
    if (!route.writes) continue;
    ++changes;
    CHECK(ask(Role::admin, Proof::foreign_origin) == 403);
    if (route.needs != Role::none) CHECK(ask(Role::admin, Proof::no_token) == 403);
  }
  CHECK(changes >= 4);
}

TEST_CASE("whoever is nobody sees the page's files, who logs in, and whether the server is well") {
  Site site;
  std::vector<std::string> open;
  for (const auto& route : site.router.routes())
    if (route.doors.contains(Door::page) && route.needs == Role::none && route.pattern.starts_with("/api/"))
      open.push_back(route.method + " " + route.pattern);
  std::ranges::sort(open);
  CHECK(open == std::vector<std::string>{"GET /api/v1", "POST /api/v1/session", "POST /api/v1/setup"});
}

TEST_CASE("who asks is found out from the headers") {
  Site site;
  const auto admit = [&](http::Head head) {
    http::Request request{.method = "GET", .path = "/api/v1/status"};
    std::optional<std::optional<http::Reply>> refused;
    net::co_spawn(
        site.loop, [&]() -> net::awaitable<void> { refused = co_await site.page.admit(head, request); },
        [](const std::exception_ptr& error) { CHECK_FALSE(error); });
    while (!refused) {
      site.loop.restart();
      site.loop.run_one();
    }
    CHECK(request.role == Role::none);
    return *refused ? (*refused)->status : 0;
  };
  const http::Head good{.host = "127.0.0.1:8069", .hosts = 1, .peer = net::ip::make_address("192.0.2.7")};
  const auto with = [&](auto change) {
    auto head = good;
    change(head);
    return admit(head);
  };
  CHECK(admit(good) == 0);
  CHECK(with([](auto& head) { head.host = "evil.example"; }) == 421);
  CHECK(with([](auto& head) { head.hosts = 2; }) == 400);
  CHECK(with([](auto& head) { head.hosts = 0; }) == 400);
  CHECK(with([](auto& head) { head.authorization = "Bearer apd_nobodys"; }) == 401);
  CHECK(with([](auto& head) { head.cookie = "apdepot=" + std::string(43, 'a'); }) == 0);
  const auto forwarded = [](auto& head) { head.forwarded_proto = "https, http"; };
  CHECK(with(forwarded) == 0);
  CHECK_FALSE(site.page.is_proxy(good.peer));
  site.of_depot->web.proxies = {*conf::parse_network("192.0.2.0/24")};
  CHECK(site.page.is_proxy(good.peer));
  CHECK(site.page.is_proxy(net::ip::make_address("::ffff:192.0.2.7")));
  CHECK_FALSE(site.page.is_proxy(net::ip::make_address("127.0.0.1")));
  CHECK(with(forwarded) == 400);
  CHECK(with([](auto& head) { head.forwarded_proto = "https"; }) == 0);
}
