#include "server/http/listener.hpp"

#include <doctest/doctest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/loop/workers.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/http/peer.hpp"

using namespace server;
using namespace server::http;

namespace {

class Guard final : public Gate {
 public:
  std::vector<net::ip::address> peers;
  std::optional<net::ip::address> proxy;
  net::awaitable<std::optional<Reply>> admit(const Head& head, Request& request) override {
    peers.push_back(head.peer);
    request.role = Role::viewer;
    co_return std::nullopt;
  }
  net::awaitable<bool> still_admits(const Head&, const Request&) override { co_return true; }
  bool is_proxy(const net::ip::address& peer) const override { return peer == proxy; }
  std::vector<std::pair<std::string, std::string>> headers(bool) const override {
    return {{"X-Guarded", "1"}};
  }
};

std::string request_for(const char* path, const char* headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

struct House {
  test::TempDir dir;
  net::io_context loop;
  Workers workers{loop, 1};
  Router router;
  std::vector<std::pair<Door, unsigned>> answered;
  Listener listener{loop, workers, router,
                    [this](Door door, unsigned status) { answered.emplace_back(door, status); }};
  Guard guard;
  std::vector<Respond> kept;
  std::list<test::Peer> clients;

  House() {
    router.add({"GET",
                "/role",
                Role::viewer,
                false,
                {Door::control, Door::page, Door::metrics},
                at_once([](const Request& request, const std::string&) {
                  return Reply{.body = request.role == Role::admin ? "admin" : "viewer"};
                })});
    router.add({"GET",
                "/later",
                Role::viewer,
                false,
                {Door::control, Door::page, Door::metrics},
                [this](const Request&, const std::string&, Respond respond) {
                  kept.push_back(std::move(respond));
                }});
    router.add({"GET",
                "/secret",
                Role::viewer,
                false,
                {Door::control},
                at_once([](const Request&, const std::string&) { return Reply{}; })});
  }
  // Each connection ends with its client.
  ~House() {
    listener.close();
    kept.clear();
    for (auto& client : clients) client.close();
    loop.restart();
    loop.run_for(std::chrono::seconds(40));
    CHECK(loop.stopped());
  }

  SocketFile serve_control() {
    ControlSocket control(loop, dir.path());
    listener.serve_control(std::move(control.acceptor), std::move(control.key));
    return std::move(control.file);
  }
  test::Peer& connect_to_control() {
    return clients.emplace_back(loop, ControlSocket::connect(loop, dir.path()));
  }
  tcp::endpoint serve_metrics() {
    auto acceptor = test::loopback_acceptor(loop);
    const auto address = acceptor.local_endpoint();
    listener.serve_metrics(std::move(acceptor));
    return address;
  }
  tcp::endpoint serve_page(std::function<Listener::Tls()> tls = {}) {
    auto acceptor = test::loopback_acceptor(loop);
    const auto address = acceptor.local_endpoint();
    listener.serve_page(std::move(acceptor), guard, std::move(tls));
    return address;
  }
  test::Peer& connect(const tcp::endpoint& server, const char* from = "127.0.0.1") {
    return clients.emplace_back(loop, test::connected_to(loop, server, from));
  }
};

// So many clients have asked something and stay; the next has to leave until one of them does.
template <class Connect>
void expect_bound(std::size_t most, Connect connect) {
  std::vector<test::Peer*> taken;
  for (std::size_t i = 0; i < most; ++i) {
    auto& client = taken.emplace_back(&connect());
    client->send(request_for("/role"));
    REQUIRE(client->answer().status() == 200);
  }
  auto& refused = connect();
  CHECK(refused.rest().empty());
  taken[0]->send(request_for("/role", "Connection: close\r\n"));
  CHECK(taken[0]->answer().status() == 200);
  CHECK(taken[0]->rest().empty());
  auto& next = connect();
  next.send(request_for("/role"));
  CHECK(next.answer().status() == 200);
  taken.back()->send(request_for("/role"));
  CHECK(taken.back()->answer().status() == 200);
}

}  // namespace

TEST_CASE("who runs as the server does is an administrator at the control socket") {
  House house;
  const auto file = house.serve_control();
  auto& client = house.connect_to_control();
  client.send(request_for("/role") + request_for("/secret") + request_for("/none"));
  CHECK(client.answer().body == "admin");
  CHECK(client.answer().status() == 200);
  CHECK(client.answer().status() == 404);
  CHECK(house.answered == std::vector<std::pair<Door, unsigned>>{
                              {Door::control, 200}, {Door::control, 200}, {Door::control, 404}});
}

TEST_CASE("administrators have so many connections at a time") {
  House house;
  const auto file = house.serve_control();
  expect_bound(Listener::most_of_administrators, [&]() -> test::Peer& { return house.connect_to_control(); });
}

TEST_CASE("who reads metrics is a viewer, and sees what that door has") {
  House house;
  const auto server = house.serve_metrics();
  auto& client = house.connect(server);
  client.send(request_for("/role") + request_for("/secret"));
  CHECK(client.answer().body == "viewer");
  CHECK(client.answer().status() == 404);
  CHECK(house.guard.peers.empty());
  CHECK(house.answered.at(0) == std::pair(Door::metrics, 200U));
}

TEST_CASE("at the metrics one address has its share, and the next address its own") {
  House house;
  const auto server = house.serve_metrics();
  expect_bound(Listener::most_of_an_address, [&]() -> test::Peer& { return house.connect(server); });
  auto& other = house.connect(server, "127.0.0.2");
  other.send(request_for("/role"));
  CHECK(other.answer().status() == 200);
}

TEST_CASE("a proxy has as many connections as all others have together, and takes none of theirs") {
  House house;
  house.guard.proxy = net::ip::make_address("127.0.0.3");
  const auto page = house.serve_page();
  expect_bound(Listener::most_at_page, [&]() -> test::Peer& { return house.connect(page, "127.0.0.3"); });
  auto& other = house.connect(page);
  other.send(request_for("/role"));
  CHECK(other.answer().status() == 200);
}

TEST_CASE("at the page one address has its share, apart from the metrics") {
  House house;
  const auto page = house.serve_page(), metrics = house.serve_metrics();
  expect_bound(Listener::most_at_page_each, [&]() -> test::Peer& { return house.connect(page); });
  for (const auto& [server, from] : {std::pair(page, "127.0.0.2"), std::pair(metrics, "127.0.0.1")}) {
    auto& other = house.connect(server, from);
    other.send(request_for("/role"));
    CHECK(other.answer().status() == 200);
  }
}

TEST_CASE("the page's gate is asked who comes, with the address") {
  House house;
  auto& client = house.connect(house.serve_page(), "127.0.0.2");
  client.send(request_for("/role"));
  const auto answer = client.answer();
  CHECK(answer.body == "viewer");
  CHECK(answer.has("X-Guarded: 1"));
  CHECK(house.guard.peers == std::vector{net::ip::make_address("127.0.0.2")});
  CHECK(house.answered.at(0).first == Door::page);
}

TEST_CASE("a page with TLS takes no connection before its certificate is there") {
  House house;
  Listener::Tls certificate;
  const auto server = house.serve_page([&] { return certificate; });
  auto& early = house.connect(server);
  early.put(request_for("/role"));
  CHECK(early.rest().empty());
  certificate = test::tls_context();
  auto& client = house.connect(server);
  REQUIRE(client.begin_tls());
  client.send(request_for("/role"));
  CHECK(client.answer().body == "viewer");
  auto& plain = house.connect(server);
  plain.send(request_for("/role"));
  CHECK(plain.answer().status() == 308);
}

TEST_CASE("one address has its share of the handshakes at the page, and the next address its own") {
  House house;
  const auto server = house.serve_page([] { return test::tls_context(); });
  for (std::size_t i = 0; i < Listener::most_handshakes_each; ++i) house.connect(server).send("\x16");
  house.loop.restart();
  house.loop.run_for(std::chrono::seconds(1));
  CHECK_FALSE(house.connect(server).begin_tls());
  CHECK(house.connect(server, "127.0.0.2").begin_tls());
}

TEST_CASE("a listener that is closed takes no more, and answers what was asked") {
  House house;
  const auto file = house.serve_control();
  const auto page = house.serve_page(), metrics = house.serve_metrics();
  std::vector<test::Peer*> clients{&house.connect_to_control(), &house.connect(page),
                                   &house.connect(metrics)};
  for (auto* client : clients) client->send(request_for("/later"));
  REQUIRE(test::runs_until(house.loop, [&] { return house.kept.size() == clients.size(); }));
  house.listener.close();
  CHECK_THROWS(house.connect_to_control());
  CHECK_THROWS(house.connect(page));
  CHECK_THROWS(house.connect(metrics));
  for (auto& respond : house.kept) respond({.body = "after all"});
  for (auto* client : clients) {
    CHECK(client->answer().body == "after all");
    client->send(request_for("/role"));  // its connection goes on, too
    CHECK(client->answer().status() == 200);
  }
}

TEST_CASE("a client that says nothing holds up nobody") {
  House house;
  const auto server = house.serve_metrics();
  for (int i = 0; i < 5; ++i) house.connect(server);
  auto& client = house.connect(server);
  client.send(request_for("/role"));
  CHECK(client.answer().status() == 200);
}
