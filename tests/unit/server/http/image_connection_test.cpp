#include "server/http/image_connection.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <list>
#include <string>
#include <vector>

#include "conf/network.hpp"
#include "server/loop/shares.hpp"
#include "tests/unit/server/http/image_house.hpp"

using namespace server;
using namespace server::http;
using namespace std::chrono_literals;
using event::Limit;
using protocols::Cause;
using test::request_for;
using Strings = std::vector<std::string>;

namespace {

constexpr auto one_device = "192.0.2.1", another_device = "192.0.2.2", third_device = "192.0.2.3";
const std::string closing = "Connection: close\r\n";

// Connections as the service makes them, from whatever address a test likes.
struct House : test::ImageHouse {
  struct Connected {
    test::Peer peer;
    std::shared_ptr<ImageConnection> connection;
    int ended = 0;
  };
  struct How {
    const char* from = one_device;
    bool tls = false;
    test::Room room = test::Room::usual;
    std::string first = "";  // what the client has sent by then
  };

  std::shared_ptr<ImageCommon> common =
      std::make_shared<ImageCommon>(loop, lanes, events, settings, library, running);
  Shares places{100, 100};
  std::list<Connected> all;

  ~House() {
    for (auto& each : all)
      if (each.connection) each.connection->stop();
    test::runs_until(loop, [this] {
      return lanes.busy() == 0 &&
             std::ranges::all_of(all, [](const Connected& each) { return each.ended > 0; });
    });
  }

  Connected& connect(const How& how) {
    auto pair = test::tcp_pair(loop, how.room);
    const int handle = pair.ours.native_handle();
    const auto address = net::ip::make_address(how.from);
    auto place = places.take(address);
    REQUIRE(place.has_value());
    auto connection = std::make_shared<ImageConnection>(
        common, ByteStream(std::move(pair.ours), how.tls ? test::tls_context() : nullptr), address,
        std::move(*place));
    auto& made = all.emplace_back(Connected{test::Peer(loop, std::move(pair.theirs)), std::move(connection)});
    made.peer.put(how.first);
    if (!how.first.empty()) REQUIRE(test::comes(handle));
    made.connection->start([&made] { ++made.ended; });
    loop.restart();
    loop.poll();
    return made;
  }
  Connected& connect(const char* from = one_device) { return connect(How{.from = from}); }
  // One request on a connection of its own.
  test::Answer ask(std::string_view target, std::string_view headers = {}, std::string_view method = "GET",
                   const char* from = one_device) {
    auto& client = connect(from);
    client.peer.send(request_for(target, headers, method));
    return client.peer.answer(method != "HEAD");
  }
  bool ends(const Connected& one) {
    return test::runs_until(loop, [&] { return one.ended > 0; });
  }
  // A client that takes a large file, and reads none of it yet.
  Connected& begin_large() {
    write("large", test::pattern(large));
    auto& client = connect({.from = one_device, .room = test::Room::little});
    client.peer.send(request_for("/large"));
    REQUIRE(test::runs_until(loop, [&] { return client.connection->is_sending(); }));
    return client;
  }
  static constexpr std::size_t large = 4 << 20;
};

}  // namespace

TEST_CASE("a file's way to a client is told from its request to its end") {
  House house;
  house.write("a.bin", "image");
  auto& client = house.connect(one_device);
  client.peer.send(request_for("/a.bin", closing));
  const auto answer = client.peer.answer();
  CHECK(answer.status() == 200);
  CHECK(answer.body == "image");
  CHECK(client.peer.rest().empty());
  CHECK_FALSE(client.peer.was_reset());
  client.peer.finish();
  REQUIRE(house.ends(client));
  CHECK(house.news() == Strings{"1 GET /a.bin", "1 began /a.bin", "1 ended /a.bin"});
  const auto& over = house.ended.at(0);
  CHECK(over.protocol == event::Protocol::http);
  CHECK(over.client == one_device);
  CHECK(over.how.cause == Cause::complete);
  CHECK(over.bytes == 5);
  CHECK(over.size == 5);
  CHECK(over.http->status == 200);
  CHECK(house.running.rows().empty());
}

TEST_CASE("requests that come at once are answered in their order, each with its number") {
  House house;
  house.write("a.bin", "image");
  house.write("b.bin", "another");
  auto& client = house.connect(one_device);
  client.peer.send(request_for("/a.bin") + request_for("/b.bin", {}, "HEAD") + request_for("/none") +
                   request_for("/b.bin"));
  CHECK(client.peer.answer().body == "image");
  CHECK(client.peer.answer(false).has("Content-Length: 7"));
  CHECK(client.peer.answer().status() == 404);
  CHECK(client.peer.answer().body == "another");
  CHECK(client.ended == 0);
  REQUIRE(house.tells_ends(2));
  CHECK(house.news() == Strings{"1 GET /a.bin", "1 began /a.bin", "1 ended /a.bin", "2 HEAD /b.bin",
                                "2 answered 200", "3 GET /none", "3 answered 404", "3 missed /none",
                                "4 GET /b.bin", "4 began /b.bin", "4 ended /b.bin"});
}

TEST_CASE("a name that means another file is told with that file's path") {
  House house;
  house.write("EWC/17_9_4a/ap1g8", "image");
  CHECK(house.ask("/ewc/17.9.4a/AP1G8").body == "image");
  REQUIRE(house.tells_ends(1));
  CHECK(house.news() == Strings{"1 GET /ewc/17.9.4a/AP1G8 as /EWC/17_9_4a/ap1g8",
                                "1 began /EWC/17_9_4a/ap1g8", "1 ended /EWC/17_9_4a/ap1g8"});
}

TEST_CASE("the status of a miss says whether somebody withholds the file") {
  House house;
  house.write("EWC/17_9_4a/ap1g8", "image");
  house.write("uploads/secret", "text");
  std::filesystem::create_directory_symlink("/etc", house.directory / "images/out");
  house.change_settings([](conf::Settings& settings) { settings.http.index = false; });
  struct Case {
    const char* target;
    int status;
  };
  for (const auto& [target, status] :
       {Case{"/none", 404}, Case{"/Wrong/ap1g8", 404}, Case{"/EWC", 404}, Case{"/EWC/", 404}, Case{"/", 404},
        Case{"/../etc/passwd", 404}, Case{"/uploads/secret", 403}, Case{"/out/passwd", 403}}) {
    CAPTURE(target);
    const auto answer = house.ask(target);
    CHECK(answer.status() == status);
    CHECK(answer.has("Content-Type: text/plain; charset=utf-8"));
    CHECK(answer.body.ends_with('\n'));
    CHECK(answer.body.find('\n') == answer.body.size() - 1);
    CHECK(answer.body.find("secret\n") == answer.body.npos);
  }
}

TEST_CASE("a refusal fits on a console, and none of it is a control character") {
  House house;
  for (const auto& target : {"/" + std::string(900, 'a'), std::string("/%0d%0aSet-Cookie:%20a=b"),
                             "/%1b%5b2J" + std::string(300, 'b'), "/" + std::string(400, '%')}) {
    CAPTURE(target);
    const auto answer = house.ask(target);
    CHECK(answer.status() == 404);
    CHECK_FALSE(answer.names("Set-Cookie"));
    CHECK(answer.body.size() < 200);
    CHECK(std::ranges::count_if(answer.body, [](char c) { return c > 0 && c < ' '; }) ==
          1);  // the line's end
  }
}

TEST_CASE("a name has at most 1024 bytes, as the client means it, and must be a path") {
  std::string longest;
  while (longest.size() < 1024) longest += "/aaaaaaa";
  struct Case {
    std::string target;
    int status;
  };
  House house;
  auto& client = house.connect(one_device);
  for (const auto& [target, status] :
       {Case{longest, 404}, Case{longest + "a", 400}, Case{longest.substr(0, 1023) + "%61", 404},
        Case{longest.substr(0, 1023) + "%61b", 400}, Case{"*", 400}, Case{"host:443", 400}}) {
    CAPTURE(target);
    client.peer.send(request_for(target));
    const auto answer = client.peer.answer();
    CHECK(answer.status() == status);
    CHECK_FALSE(answer.names("Connection"));  // it goes on
  }
  CHECK(client.ended == 0);
}

TEST_CASE("images are fetched, and nothing else is done with them") {
  for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"}) {
    CAPTURE(method);
    House house;
    house.write("a.bin", "image");
    auto& client = house.connect(one_device);
    client.peer.send(request_for("/a.bin", {}, method) + request_for("/a.bin"));
    const auto answer = client.peer.answer();
    CHECK(answer.status() == 405);
    CHECK(answer.has("Allow: GET, HEAD"));
    CHECK(answer.has("Connection: close"));
    CHECK(client.peer.rest().empty());  // what follows is not answered
    CHECK(house.news() == Strings{"1 answered 405"});
    CHECK(std::filesystem::exists(house.directory / "images/a.bin"));
  }
}

TEST_CASE("after what cannot be understood nothing is answered") {
  struct Case {
    std::string text;
    int status;
  };
  for (const auto& [text, status] : {Case{"nonsense\r\n\r\n", 400}, Case{"GET /a.bin HTTP/1.1\r\n\r\n", 400},
                                     Case{request_for("/a.bin", "Content-Length: 5\r\n"), 400},
                                     Case{request_for("/a.bin", "Transfer-Encoding: chunked\r\n"), 400},
                                     Case{"GET /a.bin HTTP/2.0\r\nHost: x\r\n\r\n", 505},
                                     Case{request_for("/" + std::string(9000, 'a')), 431}}) {
    CAPTURE(status);
    House house;
    house.write("a.bin", "image");
    auto& client = house.connect(one_device);
    client.peer.send(text + request_for("/a.bin"));
    const auto answer = client.peer.answer();
    CHECK(answer.status() == status);
    CHECK(answer.has("Connection: close"));
    CHECK(client.peer.rest().empty());
    CHECK(house.news() == Strings{fmt::format("1 answered {}", status)});
    CHECK(house.answered.at(0).what.size() + 1 == answer.body.size());
  }
}

TEST_CASE("an address that is not served is told so, and has to leave") {
  struct Case {
    Limit limit;
    const char *allow, *deny;
  };
  for (const auto& [limit, allow, deny] :
       {Case{Limit::denied, nullptr, one_device}, Case{Limit::denied, one_device, one_device},
        Case{Limit::not_allowed, another_device, nullptr}}) {
    House house;
    house.write("a.bin", "image");
    house.change_settings([&](conf::Settings& settings) {
      if (allow) settings.tftp.allow = {conf::parse_network(allow).value()};
      if (deny) settings.tftp.deny = {conf::parse_network(deny).value()};
    });
    auto& client = house.connect(one_device);
    client.peer.send(request_for("/a.bin") + request_for("/a.bin"));
    const auto answer = client.peer.answer();
    CHECK(answer.status() == 403);
    CHECK(answer.body == "this address is not served\n");
    CHECK(client.peer.rest().empty());
    CHECK(house.news() == Strings{"1 limited 403"});
    CHECK(house.limited.at(0).limit == limit);
    CHECK(house.limited.at(0).name == "/a.bin");
    if (!deny) CHECK(house.ask("/a.bin", {}, "GET", another_device).status() == 200);
  }
}

TEST_CASE("an address that asks too often has to wait, and the others have not") {
  House house;
  house.write("a.bin", "image");
  house.change_settings([](conf::Settings& settings) { settings.tftp.max_requests_per_second = 1; });
  const auto address = net::ip::make_address(one_device);
  const auto later = std::chrono::steady_clock::now() + 1h;  // until then nothing is forgotten
  while (!house.common->rate.knock(address, house.settings->tftp, later)) {
  }
  auto& client = house.connect(one_device);
  client.peer.send(request_for("/a.bin"));
  const auto answer = client.peer.answer();
  CHECK(answer.status() == 429);
  CHECK(answer.has("Retry-After: 1"));
  CHECK(client.peer.rest().empty());
  CHECK(house.news() == Strings{"1 limited 429"});
  CHECK(house.limited.at(0).limit == Limit::requests_per_second);
  CHECK(house.ask("/a.bin", {}, "GET", another_device).status() == 200);
}

TEST_CASE("a folder's names are an answer of their own, as a page or as JSON") {
  House house;
  house.write("EWC/17_9_4a/ap1g8", "image");
  for (const auto* target : {"/EWC", "/EWC/", "http://depot/EWC"}) {
    CAPTURE(target);
    const auto page = house.ask(target);
    CHECK(page.status() == 200);
    CHECK(page.has("Content-Type: text/html; charset=utf-8"));
    CHECK(page.body.find("href=\"/EWC/17_9_4a/\"") != page.body.npos);
  }
  CHECK(house.ask("/?json").has("Content-Type: application/json"));
  CHECK(house.ask("/EWC?json").body.find("\"name\":\"17_9_4a\"") != std::string::npos);
  CHECK(house.ask("/none/").status() == 404);
  house.news();
  auto& client = house.connect(one_device);
  client.peer.send(request_for("/EWC/", {}, "HEAD") + request_for("/none"));
  CHECK(client.peer.answer(false).status() == 200);
  CHECK(client.peer.answer().status() == 404);
  CHECK(house.news().at(1).ends_with("answered 200"));
}

TEST_CASE("one address makes one list at a time, and all make two") {
  House house;
  std::promise<void> free;
  const auto held = free.get_future().share();
  // Of all four threads, so that no list is made before.
  for (int i = 0; i < 4; ++i) house.lanes.disk.post([held] { held.wait(); });
  const auto list = request_for("/");
  auto& first = house.connect(one_device);
  first.peer.send(list);
  REQUIRE(test::runs_until(house.loop, [&] { return house.lanes.disk.busy() == 5; }));
  const auto again = house.ask("/");
  CHECK(again.status() == 503);
  CHECK(again.has("Retry-After: 1"));
  auto& second = house.connect(another_device);
  second.peer.send(list);
  REQUIRE(test::runs_until(house.loop, [&] { return house.lanes.disk.busy() == 6; }));
  CHECK(house.ask("/", {}, "GET", third_device).status() == 503);
  CHECK(first.peer.received().empty());
  free.set_value();
  CHECK(first.peer.answer().status() == 200);
  CHECK(second.peer.answer().status() == 200);
  CHECK(house.ask("/").status() == 200);
  CHECK(house.ask("/", {}, "GET", third_device).status() == 200);
}

TEST_CASE("an address that does not read its lists gets no more of them, and another does") {
  House house;
  const auto unread =
      house.common->unsent.take_many(net::ip::make_address(one_device), ImageCommon::most_unsent_each);
  REQUIRE(unread);
  CHECK(house.ask("/").status() == 503);
  CHECK(house.ask("/", {}, "GET", another_device).status() == 200);
}

TEST_CASE("two parts that a client fetched count as one file, and only this client's") {
  House house;
  house.write("a.bin", "image");
  const auto fetch = [&](const char* range, const char* from) {
    const auto before = house.ended.size();
    CHECK(house.ask("/a.bin", "Range: bytes=" + std::string(range) + "\r\n", "GET", from).status() == 206);
    REQUIRE(house.tells_ends(before + 1));
    return house.ended.back();
  };
  CHECK(fetch("0-2", one_device).how.cause == Cause::partly_read);
  CHECK(fetch("3-", another_device).how.cause == Cause::partly_read);
  const auto whole = fetch("3-", one_device);
  CHECK(whole.how.cause == Cause::complete);
  CHECK(whole.bytes == 2);
  CHECK(whole.size == 5);
  CHECK(whole.http->status == 206);
  CHECK(whole.http->first == 3);
  CHECK(fetch("3-", one_device).how.cause == Cause::partly_read);  // the count begins again
}

TEST_CASE("what draws no bytes of a file is not a transfer") {
  House house;
  house.write("a.bin", "image");
  const auto tag = house.ask("/a.bin", {}, "HEAD").head;
  const auto at = tag.find("ETag: ") + 6;
  const auto etag = tag.substr(at, tag.find("\r\n", at) - at);
  CHECK(house.ask("/a.bin", "Range: bytes=5-\r\n").status() == 416);
  auto& client = house.connect(one_device);
  client.peer.send(request_for("/a.bin", "If-None-Match: " + etag + "\r\n"));
  CHECK(client.peer.answer(false).status() == 304);
  CHECK(house.ended.empty());
  CHECK(house.news() == Strings{"1 HEAD /a.bin", "1 answered 200", "2 GET /a.bin", "2 answered 416",
                                "3 GET /a.bin", "3 answered 304"});
}

TEST_CASE("an empty file is a whole one") {
  House house;
  house.write("empty", "");
  CHECK(house.ask("/empty").has("Content-Length: 0"));
  REQUIRE(house.tells_ends(1));
  CHECK(house.ended.at(0).how.cause == Cause::complete);
}

TEST_CASE("a client that leaves has had less than the file") {
  House house;
  auto& client = house.begin_large();
  client.peer.reset();
  REQUIRE(house.ends(client));
  const auto& over = house.ended.at(0);
  CHECK(over.how.cause == Cause::disconnected);
  CHECK(over.bytes < House::large);
  CHECK(house.running.rows().empty());
}

TEST_CASE("a client that says nothing, or half a request, leaves without a word") {
  for (const auto* text : {"", "GET /a.bin HTTP/1.1\r\nHo"}) {
    House house;
    auto& client = house.connect(one_device);
    client.peer.send(text);
    client.peer.finish();
    REQUIRE(house.ends(client));
    CHECK(client.peer.rest().empty());
    CHECK(house.news().empty());
  }
}

TEST_CASE("an administrator stops a transfer, and sees before how far it is") {
  House house;
  auto& client = house.begin_large();
  REQUIRE(house.running.rows().size() == 1);
  const auto& [id, row] = *house.running.rows().begin();
  CHECK(row.what.name == "/large");
  CHECK(row.what.client == one_device);
  CHECK(row.what.size == House::large);
  CHECK(row.moving->moved().bytes < House::large);
  CHECK(house.running.stop(id));
  REQUIRE(house.ends(client));
  CHECK(house.ended.at(0).how.cause == Cause::stopped);
  CHECK(house.running.rows().empty());
  CHECK(client.peer.rest().size() < House::large);
}

TEST_CASE("at the server's end a transfer is cut off, and the file never seems whole") {
  House house;
  auto& client = house.begin_large();
  client.connection->stop();
  REQUIRE(house.ends(client));
  CHECK(client.ended == 1);
  CHECK(house.ended.at(0).how.cause == Cause::shutdown);
  CHECK(house.ended.at(0).bytes < House::large);
  CHECK_FALSE(client.connection->is_sending());
  CHECK(client.peer.rest().size() < House::large);
}

TEST_CASE("a connection that is to drain ends at once if its client asks for nothing") {
  House house;
  house.write("a.bin", "image");
  auto& fresh = house.connect(one_device);
  auto& used = house.connect(one_device);
  used.peer.send(request_for("/a.bin"));
  CHECK(used.peer.answer().status() == 200);
  REQUIRE(house.tells_ends(1));
  house.loop.restart();
  house.loop.poll();
  fresh.connection->drain();
  used.connection->drain();
  CHECK(fresh.peer.rest().empty());
  CHECK(used.peer.rest().empty());
  used.peer.finish();
  CHECK(house.ends(fresh));
  CHECK(house.ends(used));
}

TEST_CASE("a request that has begun is answered while the connection drains, and is its last one") {
  House house;
  house.write("a.bin", "image");
  const auto request = request_for("/a.bin");
  auto& client = house.connect({.from = one_device, .first = request.substr(0, 20)});
  client.connection->drain();
  client.peer.send(request.substr(20) + request);
  const auto answer = client.peer.answer();
  CHECK(answer.body == "image");
  CHECK(answer.has("Connection: close"));
  CHECK(client.peer.rest().empty());
}

TEST_CASE("a file that is under way arrives while the connection drains") {
  House house;
  auto& client = house.begin_large();
  client.connection->drain();
  const auto answer = client.peer.answer();
  CHECK((answer.body == test::pattern(House::large)));
  CHECK(client.peer.rest().empty());
  CHECK_FALSE(client.peer.was_reset());
  CHECK(house.ended.at(0).how.cause == Cause::complete);
}

TEST_CASE("a file that changes while it is sent ends its connection") {
  House house;
  auto& client = house.begin_large();
  std::filesystem::resize_file(house.directory / "images/large", House::large - 1);
  CHECK(client.peer.rest().size() < House::large);
  client.peer.finish();
  REQUIRE(house.ends(client));
  CHECK(house.ended.at(0).how.cause == Cause::file_changed);
}

TEST_CASE("images are fetched over TLS, too") {
  House house;
  const auto content = test::pattern(300'000);
  house.write("a.bin", content);
  auto& client = house.connect({.from = one_device, .tls = true});
  REQUIRE(client.peer.begin_tls());
  client.peer.send(request_for("/a.bin") + request_for("/a.bin", closing));
  CHECK((client.peer.answer().body == content));
  CHECK((client.peer.answer().body == content));
  CHECK(client.peer.rest().empty());
  CHECK(client.peer.said_goodbye());
}

TEST_CASE("of the handshakes under way an address has its share") {
  House house;
  const auto address = net::ip::make_address(one_device);
  std::list<Shares::Share> others;
  for (std::size_t i = 0; i < ImageCommon::most_handshakes_each; ++i) {
    auto share = house.common->handshakes.take(address);
    REQUIRE(share.has_value());
    others.push_back(std::move(*share));
  }
  auto& refused = house.connect({.from = one_device, .tls = true});
  CHECK_FALSE(refused.peer.begin_tls());
  REQUIRE(house.ends(refused));
  auto& other = house.connect({.from = another_device, .tls = true});
  CHECK(other.peer.begin_tls());
  others.pop_back();
  auto& next = house.connect({.from = one_device, .tls = true});
  REQUIRE(next.peer.begin_tls());
  next.peer.send(request_for("/none"));
  CHECK(next.peer.answer().status() == 404);
  CHECK(house.common->handshakes.take(address).has_value());  // a handshake that is over holds no share
}

TEST_CASE("eight addresses whose handshakes never end leave room for a ninth") {
  House house;
  for (int i = 1; i <= 8; ++i) {
    const auto address = fmt::format("198.51.100.{}", i);
    for (std::size_t k = 0; k < ImageCommon::most_handshakes_each; ++k)
      house.connect({.from = address.c_str(), .tls = true});
  }
  auto& other = house.connect({.from = one_device, .tls = true});
  CHECK(other.peer.begin_tls());
}

TEST_CASE("a connection gives its place up when it is gone") {
  House house;
  house.places.bound(1, 1);
  auto& client = house.connect(one_device);
  CHECK_FALSE(house.places.take(net::ip::make_address(one_device)).has_value());
  client.peer.close();
  REQUIRE(house.ends(client));
  client.connection.reset();
  CHECK(house.places.take(net::ip::make_address(one_device)).has_value());
}
