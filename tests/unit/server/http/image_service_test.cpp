#include "server/http/image_service.hpp"

#include <doctest/doctest.h>

#include <list>
#include <string>
#include <vector>

#include "conf/network.hpp"
#include "tests/unit/server/http/image_house.hpp"

using namespace server;
using event::Limit;
using protocols::Cause;
using server::http::ImageService;
using test::request_for;

namespace {

struct House : test::ImageHouse {
  ImageService service{loop, lanes, events, settings, library, running};
  std::list<test::Peer> peers;
  int emptied = 0;

  House() {
    write("a.bin", "image");
    service.when_empty([this] { ++emptied; });
  }
  ~House() {
    service.stop_listening();
    service.stop();
    for (auto& peer : peers) peer.close();
    test::runs_until(loop, [this] { return service.is_empty() && lanes.busy() == 0; });
  }

  tcp::endpoint serve(bool tls = false) {
    auto acceptor = test::loopback_acceptor(loop);
    const auto address = acceptor.local_endpoint();
    (tls ? service.secure() : service.plain()).serve(std::move(acceptor));
    return address;
  }
  void bound(std::uint32_t all, std::uint32_t each) {
    change_settings([&](conf::Settings& changed) {
      changed.tftp.max_transfers = all;
      changed.tftp.max_transfers_per_address = each;
    });
  }
  test::Peer& connect(const tcp::endpoint& server, const char* from = "127.0.0.1") {
    return peers.emplace_back(loop, test::connected_to(loop, server, from, 16 << 10));
  }
  // A connection that has a place: it was answered, and goes on.
  test::Peer& enter(const tcp::endpoint& server, const char* from = "127.0.0.1") {
    auto& peer = connect(server, from);
    peer.send(request_for("/a.bin"));
    CHECK(peer.answer().body == "image");
    return peer;
  }
  // Whether a connection is closed without a word.
  bool is_turned_away(const tcp::endpoint& server, const char* from = "127.0.0.1") {
    return connect(server, from).rest().empty();
  }
  void leave(test::Peer& peer) {
    peer.finish();
    CHECK(peer.rest().empty());
  }
};

}  // namespace

TEST_CASE("an address has its places, and leaves room for the others") {
  House house;
  house.bound(100, 2);
  house.service.heed_settings();
  const auto server = house.serve();
  auto& first = house.enter(server);
  house.enter(server);
  CHECK(house.is_turned_away(server));
  REQUIRE(house.limited.size() == 1);
  CHECK(house.limited[0].limit == Limit::transfers_per_address);
  CHECK(house.limited[0].client == "127.0.0.1");
  CHECK(house.limited[0].name.empty());
  CHECK(house.limited[0].status == 0);
  house.enter(server, "127.0.0.2");
  house.leave(first);
  house.enter(server);
  CHECK(house.is_turned_away(server));
}

TEST_CASE("where all places are taken that is the limit that is told") {
  House house;
  house.bound(2, 100);
  house.service.heed_settings();
  const auto server = house.serve();
  house.enter(server);
  CHECK(house.is_turned_away(server));  // one address has not all
  CHECK(house.limited.at(0).limit == Limit::transfers_per_address);
  house.enter(server, "127.0.0.2");
  CHECK(house.is_turned_away(server, "127.0.0.3"));
  CHECK(house.limited.at(1).limit == Limit::transfers);
}

TEST_CASE("a single place may be anybody's") {
  House house;
  house.bound(1, 1);
  house.service.heed_settings();
  const auto server = house.serve();
  house.enter(server);
  CHECK(house.is_turned_away(server, "127.0.0.2"));
  CHECK(house.limited.at(0).limit == Limit::transfers);
}

TEST_CASE("who is kept out gets no handshake, and in the clear none of the others' places") {
  House house;
  house.bound(2, 100);
  house.change_settings(
      [](conf::Settings& changed) { changed.tftp.deny = {conf::parse_network("127.0.0.2/31").value()}; });
  house.service.heed_settings();
  house.service.use(test::tls_context());
  const auto plain = house.serve(), secure = house.serve(true);
  auto& refused = house.connect(secure, "127.0.0.2");
  CHECK_FALSE(refused.begin_tls());
  REQUIRE(house.limited.size() == 1);
  CHECK(house.limited[0].limit == Limit::denied);
  CHECK(house.limited[0].name.empty());
  auto& one = house.connect(plain, "127.0.0.2");
  auto& another = house.connect(plain, "127.0.0.3");
  house.enter(plain);
  for (auto* each : {&one, &another}) {
    each->send(request_for("/a.bin"));
    CHECK(each->answer().status() == 403);
  }
  for (int i = 0; i < 2; ++i) house.connect(plain, "127.0.0.2");
  CHECK(house.is_turned_away(plain, "127.0.0.2"));
  CHECK(house.limited.back().limit == Limit::denied);
}

TEST_CASE("new bounds are for connections from then on") {
  House house;
  house.bound(100, 3);
  house.service.heed_settings();
  const auto server = house.serve();
  auto& first = house.enter(server);
  auto& second = house.enter(server);
  house.bound(100, 1);
  house.enter(server);  // nobody has heeded them yet
  house.service.heed_settings();
  CHECK(house.is_turned_away(server));
  for (auto* each : {&first, &second}) {
    each->send(request_for("/a.bin"));
    CHECK(each->answer().body == "image");
  }
}

TEST_CASE("a connection over TLS waits for a certificate, one without does not") {
  House house;
  const auto secure = house.serve(true), plain = house.serve(false);
  auto& waiting = house.connect(secure);
  CHECK_FALSE(waiting.shakes_hands());
  house.enter(plain);
  CHECK_FALSE(waiting.shakes_hands());
  CHECK_FALSE(waiting.ended());
  house.service.use(test::tls_context());
  REQUIRE(waiting.begin_tls());
  waiting.send(request_for("/a.bin"));
  CHECK(waiting.answer().body == "image");
  auto& next = house.connect(secure);
  CHECK(next.begin_tls());
}

TEST_CASE("a listener that comes after the certificate serves at once, and so does another certificate") {
  House house;
  house.service.use(test::tls_context());
  const auto server = house.serve(true);
  CHECK(house.connect(server).begin_tls());
  house.service.use(test::tls_context());
  CHECK(house.connect(server).begin_tls());
}

TEST_CASE("an address that is closed takes no more, and its connections and other addresses go on") {
  House house;
  const auto gone = house.serve(), stays = house.serve();
  auto& before = house.enter(gone);
  house.service.plain().close(gone);
  house.service.plain().close(gone);  // it is not there any more
  CHECK_THROWS(house.connect(gone));
  before.send(request_for("/a.bin"));
  CHECK(before.answer().body == "image");
  house.enter(stays);
  CHECK(house.emptied == 0);
}

TEST_CASE("a certificate that comes late opens no address that was closed") {
  House house;
  const auto gone = house.serve(true), stays = house.serve(true);
  house.service.secure().close(gone);
  house.service.use(test::tls_context());
  CHECK_THROWS(house.connect(gone));
  CHECK(house.connect(stays).begin_tls());
}

TEST_CASE("at the end who asks for nothing leaves, and who is sent a file may have the rest") {
  House house;
  const auto content = test::pattern(12 << 20);
  house.write("large", content);
  const auto server = house.serve();
  auto& idle = house.enter(server);
  auto& busy = house.connect(server);
  busy.send(request_for("/large"));
  REQUIRE(test::runs_until(house.loop, [&] { return house.service.running() == 1; }));
  house.service.stop_listening();
  CHECK(idle.rest().empty());
  idle.close();
  CHECK_THROWS(house.connect(server));
  CHECK(house.service.running() == 1);
  CHECK_FALSE(house.service.is_empty());
  CHECK(house.emptied == 0);
  SUBCASE("it has the time for it") {
    CHECK((busy.answer().body == content));
    CHECK(busy.rest().empty());
    busy.close();
    REQUIRE(test::runs_until(house.loop, [&] { return house.service.is_empty(); }));
    CHECK(house.ended.back().how.cause == Cause::complete);
  }
  SUBCASE("it has not") {
    house.service.stop();
    REQUIRE(test::runs_until(house.loop, [&] { return house.service.is_empty(); }));
    CHECK(house.ended.back().how.cause == Cause::shutdown);
    CHECK(busy.rest().size() < content.size());
  }
  CHECK(house.service.running() == 0);
  CHECK(house.emptied == 1);
}

TEST_CASE("each time the last connection has ended that is told") {
  House house;
  const auto server = house.serve();
  auto& first = house.enter(server);
  auto& second = house.enter(server);
  house.leave(first);
  CHECK(house.emptied == 0);
  second.close();
  REQUIRE(test::runs_until(house.loop, [&] { return house.emptied == 1; }));
  CHECK(house.service.is_empty());
  house.enter(server).close();
  CHECK(test::runs_until(house.loop, [&] { return house.emptied == 2; }));
}

TEST_CASE("many connections that come at once are all taken") {
  House house;
  const auto server = house.serve();
  std::vector<test::Peer*> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(&house.connect(server));
  for (auto* client : clients) client->put(request_for("/a.bin"));
  for (auto* client : clients) CHECK(client->answer().body == "image");
}
