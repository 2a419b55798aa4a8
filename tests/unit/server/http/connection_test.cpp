#include "server/http/connection.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdio>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/loop/workers.hpp"
#include "tests/unit/server/http/peer.hpp"

using namespace server;
using namespace server::http;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

// Says what a test has put in, and keeps what it was asked.
class Guard final : public Gate {
 public:
  std::optional<Reply> refusal;
  bool still = true;
  std::vector<Head> heads;
  std::string client;

  net::awaitable<std::optional<Reply>> admit(const Head& head, Request& request) override {
    heads.push_back(head);
    request.role = Role::admin;
    request.name = "anna";
    request.client = client;
    request.secure = head.tls;
    co_return refusal;
  }
  net::awaitable<bool> still_admits(const Head& head, const Request& request) override {
    CHECK(request.name == "anna");
    heads.push_back(head);
    co_return still;
  }
  bool is_proxy(const net::ip::address&) const override { return false; }
  std::vector<std::pair<std::string, std::string>> headers(bool secure) const override {
    return {{"X-Guarded", secure ? "secure" : "plain"}};
  }
};

// A body that was received, and what its receiver said to it.
struct Upload {
  std::optional<std::uint64_t> announced;
  std::vector<std::size_t> pieces;
  std::string body;
  bool began = false, ended = false, gone = false;
};

class Keeper final : public Receiver {
 public:
  Keeper(Upload& upload, const std::optional<Reply>& at_begin, const std::optional<Reply>& at_piece)
      : upload_(upload), at_begin_(at_begin), at_piece_(at_piece) {}
  ~Keeper() override { upload_.gone = true; }
  net::awaitable<std::optional<Reply>> begin(std::optional<std::uint64_t> size) override {
    upload_.began = true;
    upload_.announced = size;
    co_return at_begin_;
  }
  net::awaitable<std::optional<Reply>> take(std::span<const std::byte> piece) override {
    upload_.pieces.push_back(piece.size());
    upload_.body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    co_return at_piece_;
  }
  net::awaitable<Reply> end() override {
    upload_.ended = true;
    co_return Reply{.body = "kept"};
  }

 private:
  Upload& upload_;
  const std::optional<Reply> at_begin_, at_piece_;
};

// Gives what a test has put in, and then waits for more, or ends.
class Pieces final : public Feed {
 public:
  explicit Pieces(net::io_context& loop) : wake(loop, net::steady_timer::time_point::max()) {}
  net::awaitable<std::shared_ptr<const std::string>> next() override {
    while (texts.empty() && !over) co_await wake.async_wait(net::as_tuple(net::use_awaitable));
    if (texts.empty()) co_return nullptr;
    auto text = std::make_shared<const std::string>(texts.front());
    texts.pop_front();
    co_return text;
  }
  std::deque<std::string> texts;
  bool over = false;
  net::steady_timer wake;
};

// A door with its table, and clients that come in by it.
struct House {
  net::io_context loop;
  Workers workers{loop, 1};
  Shares handshakes{1, 1};
  Shares unsent{12 << 20, 6 << 20};
  Router router;
  std::vector<unsigned> statuses;
  Answered answered = [this](Door door, unsigned status) {
    CHECK(door == Door::page);
    statuses.push_back(status);
  };
  Guard guard;
  bool guarded = false;
  std::chrono::seconds trusted = 10s;
  std::vector<Request> heard;
  std::vector<Respond> kept;
  std::string large;
  Upload upload;
  std::optional<Reply> at_begin, at_piece;
  std::shared_ptr<Pieces> pieces = std::make_shared<Pieces>(loop);
  std::list<test::Peer> clients;
  int running = 0;

  House() {
    const auto offer = [this](const char* method, const char* path, auto answer) {
      router.add({method, path, Role::none, false, {Door::page}, answer});
    };
    const auto echo = at_once([this](const Request& request, const std::string&) {
      heard.push_back(request);
      return Reply{.type = "text/plain", .body = request.body + "!", .headers = {{"X-More", "1"}}};
    });
    offer("GET", "/echo", echo);
    offer("POST", "/echo", echo);
    offer("GET", "/large",
          at_once([this](const Request&, const std::string&) { return Reply{.body = large}; }));
    offer("GET", "/same", at_once([](const Request&, const std::string&) { return Reply{.status = 304}; }));
    offer("GET", "/later", [this](const Request&, const std::string&, Respond respond) {
      kept.push_back(std::move(respond));
    });
    offer("GET", "/dropped", [](const Request&, const std::string&, Respond) {});
    offer("GET", "/feed", at_once([this](const Request&, const std::string&) {
            return Reply{.type = "text/event-stream", .feed = pieces};
          }));
    router.add({"PATCH",
                "/upload",
                Role::none,
                false,
                {Door::page},
                nullptr,
                [this](const Request& request, const std::string&) {
                  heard.push_back(request);
                  return std::make_unique<Keeper>(upload, at_begin, at_piece);
                }});
  }
  ~House() {
    pieces->over = true;
    pieces->wake.cancel();
    kept.clear();
    for (auto& client : clients) client.close();
    test::runs_until(loop, [this] { return running == 0 && workers.busy() == 0; });
  }

  Talk talk() {
    return {router,
            answered,
            unsent,
            Door::page,
            Role::viewer,
            10s,
            guarded ? &guard : nullptr,
            net::ip::make_address("192.0.2.1"),
            trusted};
  }
  void spawn(net::awaitable<void> talking) {
    ++running;
    net::co_spawn(loop, std::move(talking), [this](const std::exception_ptr& error) {
      CHECK_FALSE(static_cast<bool>(error));
      --running;
    });
  }
  test::Peer& connect() {
    using Local = net::local::stream_protocol;
    Local::socket ours(loop), theirs(loop);
    net::local::connect_pair(ours, theirs);
    spawn(talk_to(std::move(ours), talk()));
    return clients.emplace_back(loop, std::move(theirs));
  }
  test::Peer& connect_to_tls() {
    auto pair = test::tcp_pair(loop);
    auto stream =
        std::make_shared<PatientStream>(loop, ByteStream(std::move(pair.ours), test::tls_context()));
    spawn(talk_over_tls(std::move(stream), workers, handshakes, talk()));
    return clients.emplace_back(loop, std::move(pair.theirs));
  }
  bool ends() {
    return test::runs_until(loop, [this] { return running == 0; });
  }
};

std::string request(std::string_view line, std::string_view headers = {}, std::string_view body = {}) {
  return std::string(line) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

std::string with_body(std::string_view line, const std::string& body, std::string_view headers = {}) {
  return request(line, "Content-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers),
                 body);
}

std::string chunked(std::string_view line, std::string_view body, std::size_t each) {
  std::string text = request(line, "Transfer-Encoding: chunked\r\n");
  while (!body.empty()) {
    const auto some = body.substr(0, each);
    std::array<char, 20> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", some.size());
    text.append(size.data()).append(some).append("\r\n");
    body.remove_prefix(some.size());
  }
  return text + "0\r\n\r\n";
}

constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

TEST_CASE("an endpoint hears of a request what an answer depends on") {
  House house;
  auto& client = house.connect();
  client.send(
      request("GET /echo?a=1&b=%2F?c",
              "Accept: text/html\r\nContent-Type: Application/JSON ; charset=utf-8\r\nAccept-Encoding: "
              "gzip\r\nIf-None-Match: \"x\"\r\nLast-Event-ID: 42\r\nUpload-Offset: 7\r\n"));
  CHECK(client.answer().status() == 200);
  const auto& heard = house.heard.at(0);
  CHECK(heard.method == "GET");
  CHECK(heard.path == "/echo");
  CHECK(heard.query == "a=1&b=%2F?c");
  CHECK(heard.accept == "text/html");
  CHECK(heard.content_type == "application/json");
  CHECK(heard.accept_encoding == "gzip");
  CHECK(heard.if_none_match == "\"x\"");
  CHECK(heard.last_event == 42);
  CHECK(heard.upload_offset == 7);
  CHECK(heard.role == Role::viewer);
}

TEST_CASE("a header that is to be a number is one, or is not there") {
  struct Case {
    const char* text;
    std::optional<std::uint64_t> number;
  };
  House house;
  auto& client = house.connect();
  for (const auto& [text, number] :
       {Case{"0", 0}, Case{"18446744073709551615", 18446744073709551615ULL},
        Case{"18446744073709551616", std::nullopt}, Case{"", std::nullopt}, Case{"-1", std::nullopt},
        Case{"+1", std::nullopt}, Case{"1 2", std::nullopt}, Case{"1x", std::nullopt},
        Case{"0x1", std::nullopt}}) {
    CAPTURE(text);
    client.send(request("GET /echo", "Upload-Offset: " + std::string(text) + "\r\n"));
    client.answer();
    CHECK(house.heard.back().upload_offset == number);
  }
}

TEST_CASE("an answer is not stored, not sniffed, and carries what its endpoint adds") {
  House house;
  auto& client = house.connect();
  client.send(request("GET /echo"));
  const auto answer = client.answer();
  for (const auto* line : {"Content-Type: text/plain", "Cache-Control: no-store", "Server: apdepot",
                           "X-Content-Type-Options: nosniff", "X-More: 1", "Content-Length: 1"}) {
    CAPTURE(line);
    CHECK(answer.has(line));
  }
  CHECK(answer.body == "!");
}

TEST_CASE("a HEAD has the length of the body, a 304 has none, and neither has a body") {
  House house;
  auto& client = house.connect();
  client.send(request("HEAD /echo") + request("GET /same") + request("GET /echo"));
  CHECK(client.answer(false).has("Content-Length: 1"));
  const auto same = client.answer(false);
  CHECK(same.status() == 304);
  CHECK_FALSE(same.names("Content-Length"));
  CHECK(client.answer().body == "!");
  CHECK(house.statuses == std::vector<unsigned>{200, 304, 200});
}

TEST_CASE("a large answer arrives whole, over TLS too") {
  House house;
  house.large = test::pattern(5'000'001);
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    auto& client = tls ? house.connect_to_tls() : house.connect();
    if (tls) REQUIRE(client.begin_tls());
    client.send(request("GET /large"));
    CHECK(client.answer().body == house.large);
  }
}

TEST_CASE("a client that reads no answer is refused a further one, and a short one is always answered") {
  House house;
  house.large.assign(4 << 20, 'x');
  auto& lazy = house.connect();
  lazy.send(request("GET /large"));
  REQUIRE(test::runs_until(house.loop, [&] { return house.statuses.size() == 1; }));

  auto& client = house.connect();
  client.send(request("GET /large") + request("HEAD /large") + request("GET /echo"));
  const auto refused = client.answer();
  CHECK(refused.status() == 503);
  CHECK(refused.has("Retry-After: 5"));
  CHECK(refused.body.find("too many answers wait for a client to read them") != std::string::npos);
  CHECK(client.answer(false).status() == 200);
  CHECK(client.answer().body == "!");

  lazy.close();
  REQUIRE(test::runs_until(house.loop, [&] { return house.running == 1; }));
  client.send(request("GET /large"));
  CHECK(client.answer().body == house.large);
}

TEST_CASE("an answer waits at the expense of who asked for it, not of the proxy or of another client") {
  House house;
  house.guarded = true;
  house.large.assign(5 << 20, 'x');
  for (const auto* name : {"198.51.100.1", "198.51.100.2"}) {
    house.guard.client = name;
    const auto answered = house.statuses.size();
    house.connect().send(request("GET /large"));
    REQUIRE(test::runs_until(house.loop, [&] { return house.statuses.size() > answered; }));
  }
  CHECK(house.statuses == std::vector<unsigned>{200, 200});
  auto& client = house.connect();
  client.send(request("GET /large"));
  CHECK(client.answer().status() == 503);
}

TEST_CASE("requests that come at once are answered in their order, even if the first takes long") {
  House house;
  auto& client = house.connect();
  client.send(request("GET /later") + request("GET /echo"));
  REQUIRE(test::runs_until(house.loop, [&] { return house.kept.size() == 1; }));
  CHECK(house.heard.empty());
  house.kept[0]({.body = "first"});
  CHECK(client.answer().body == "first");
  CHECK(client.answer().body == "!");
}

TEST_CASE("a client says how long its connection lasts") {
  struct Case {
    const char* text;
    bool goes_on;
  };
  for (const auto& [text, goes_on] : {Case{"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", true},
                                      Case{"GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n", false},
                                      Case{"GET /echo HTTP/1.0\r\n\r\n", false},
                                      Case{"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true}}) {
    CAPTURE(text);
    House house;
    auto& client = house.connect();
    client.send(text);
    CHECK(client.answer().body == "!");
    client.send(request("GET /echo"));
    if (goes_on)
      CHECK(client.answer().body == "!");
    else
      CHECK(client.rest().empty());
  }
}

TEST_CASE("a body has at most 64 KiB, in one piece or in many") {
  for (const bool in_chunks : {false, true}) {
    CAPTURE(in_chunks);
    House house;
    const auto ask = [&](std::size_t size) -> test::Peer& {
      const std::string body(size, 'x');
      auto& client = house.connect();
      client.send(in_chunks ? chunked("POST /echo", body, 4000) : with_body("POST /echo", body));
      return client;
    };
    CHECK(ask(most_body).answer().body.size() == most_body + 1);
    auto& client = ask(most_body + 1);
    const auto refused = client.answer();
    CHECK(refused.status() == 413);
    CHECK(refused.has("Content-Type: application/problem+json"));
    CHECK(refused.has("Connection: close"));
    CHECK(house.heard.size() == 1);
  }
}

TEST_CASE("a body that is announced as too large is not waited for") {
  House house;
  auto& client = house.connect();
  client.send(request("POST /echo", "Content-Length: 65537\r\nExpect: 100-continue\r\n"));
  CHECK(client.answer().status() == 413);
  CHECK(client.rest().empty());
}

TEST_CASE("a header has at most 8 KiB, with its first line and the empty one") {
  for (const std::size_t size : {8192U, 8193U, 8220U, 8300U}) {
    CAPTURE(size);
    House house;
    auto text = request("GET /echo", "X: ");
    text.insert(text.size() - 2, std::string(size - text.size() - 2, 'x') + "\r\n");
    REQUIRE(text.size() == size);
    auto& client = house.connect();
    client.send(text);
    CHECK(client.answer().status() == (size == 8192 ? 200 : 413));
  }
}

TEST_CASE("a client hears why it is refused whatever else is on its way") {
  const auto large = request("POST /echo", "Content-Length: 200000\r\n", std::string(200'000, 'x'));
  struct Case {
    std::string text;
    int status;
    bool tls;
  };
  for (const auto& [text, status, tls] :
       {Case{large, 413, false}, Case{large, 413, true},
        Case{chunked("POST /echo", std::string(200'000, 'x'), 10'000), 413, false},
        Case{request("GET /echo", "X: " + std::string(60'000, 'x') + "\r\n"), 413, false},
        Case{"nonsense\r\n\r\n" + std::string(60'000, 'x'), 400, false}}) {
    CAPTURE(text.substr(0, 60));
    CAPTURE(tls);
    House house;
    auto& client = tls ? house.connect_to_tls() : house.connect();
    if (tls) REQUIRE(client.begin_tls());
    REQUIRE(client.send(text));
    CHECK(client.answer().status() == status);
    if (!tls) CHECK(client.rest().empty());
    CHECK_FALSE(client.was_reset());
    client.close();
    CHECK(house.ends());
  }
}

TEST_CASE("what is not HTTP is refused, and nothing after it is heard") {
  for (const auto* text : {"nonsense\r\n\r\n", "GET /echo HTTP/1.1\r\nBad Name: x\r\n\r\n",
                           "GET /echo HTTP/3.0\r\n\r\n", "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                           "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                           "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
    CAPTURE(text);
    House house;
    auto& client = house.connect();
    client.send(text + request("GET /echo"));
    const auto answer = client.answer();
    CHECK(answer.status() == 400);
    CHECK(answer.has("Content-Type: application/problem+json"));
    CHECK(client.rest().empty());
    CHECK(house.heard.empty());
    CHECK(house.statuses == std::vector<unsigned>{400});
  }
}

TEST_CASE("a request whose end is not clear is refused, and its body is not heard as the next request") {
  for (const std::string header :
       {"Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding:\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked;q=1\r\n", "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 0\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"}) {
    for (const std::string line : {"POST /echo HTTP/1.1\r\n", "PATCH /upload HTTP/1.1\r\n",
                                   "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n"}) {
      CAPTURE(line);
      CAPTURE(header);
      House house;
      auto& client = house.connect();
      client.send(line + header + "\r\n" + request("GET /echo"));
      CHECK(client.answer().status() == 400);
      CHECK(client.rest().empty());
      CHECK(house.heard.empty());
      CHECK_FALSE(house.upload.began);
    }
  }
}

TEST_CASE("a body in chunks is one of HTTP/1.1 alone") {
  for (const std::string version : {"1.0", "1.1"}) {
    CAPTURE(version);
    House house;
    auto& client = house.connect();
    client.send("POST /echo HTTP/" + version +
                "\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    CHECK(client.answer().status() == (version == "1.0" ? 400 : 200));
  }
}

TEST_CASE("a client that leaves before its request is whole gets no answer") {
  for (const auto* text : {"", "GET /ec", "GET /echo HTTP/1.1\r\nHost: x\r\n",
                           "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel"}) {
    CAPTURE(text);
    House house;
    auto& client = house.connect();
    client.send(text);
    client.finish();
    CHECK(client.rest().empty());
    CHECK(house.ends());
    CHECK(house.heard.empty());
    CHECK(house.statuses.empty());
  }
}

TEST_CASE("a client that waits with its body is told to go on, once") {
  struct Case {
    const char *path, *answer;
  };
  for (const auto& [path, answer] : {Case{"POST /echo", "hello!"}, Case{"PATCH /upload", "kept"}}) {
    CAPTURE(path);
    House house;
    auto& client = house.connect();
    client.send(request(path, "Content-Length: 5\r\nExpect: 100-Continue\r\n"));
    REQUIRE(client.gets(go_on));
    CHECK(client.received() == go_on);
    CHECK(client.answer().status() == 100);
    client.send("hello");
    CHECK(client.answer().body == answer);
    client.send(request("GET /echo"));
    CHECK(client.answer().body == "!");
  }
}

TEST_CASE("a client that does not wait is not told to go on") {
  for (const auto& text :
       {with_body("POST /echo", "hello", "Expect: 100-continue\r\n"),
        request("POST /echo", "Content-Length: 0\r\nExpect: 100-continue\r\n"),
        with_body("POST /echo", "hello", "Expect: something\r\n"),
        std::string("POST /echo HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")}) {
    CAPTURE(text);
    House house;
    auto& client = house.connect();
    client.send(text);
    CHECK(client.answer().status() == 200);
  }
}

TEST_CASE("an endpoint that gives a request up has it answered, and the connection goes on") {
  House house;
  auto& client = house.connect();
  client.send(request("GET /dropped") + request("GET /echo"));
  CHECK(client.answer().status() == 500);
  CHECK(client.answer().status() == 200);
}

TEST_CASE("an answer that comes after its client has left goes nowhere") {
  House house;
  auto& client = house.connect();
  client.send(request("GET /later"));
  REQUIRE(test::runs_until(house.loop, [&] { return house.kept.size() == 1; }));
  client.close();
  house.kept[0]({.body = "late"});
  CHECK(house.ends());
}

TEST_CASE("a gate lets a request in with a name, or answers for the endpoint") {
  House house;
  house.guarded = true;
  auto& client = house.connect();
  client.send(request("GET /echo",
                      "Cookie: c\r\nOrigin: o\r\nAuthorization: a\r\nX-CSRF: t\r\nSec-Fetch-Site: "
                      "s\r\nX-Forwarded-For: f\r\nX-Forwarded-Proto: p\r\nHost: y\r\nX-Forwarded-For: g, "
                      "h\r\nX-Forwarded-Proto: q\r\n"));
  const auto let_in = client.answer();
  CHECK(let_in.status() == 200);
  CHECK(let_in.has("X-Guarded: plain"));
  CHECK(house.heard.at(0).role == Role::admin);
  CHECK(house.heard.at(0).name == "anna");
  const auto& head = house.guard.heads.at(0);
  CHECK(head.hosts == 2);
  CHECK(head.cookie == "c");
  CHECK(head.origin == "o");
  CHECK(head.authorization == "a");
  CHECK(head.csrf == "t");
  CHECK(head.fetch_site == "s");
  CHECK(head.forwarded_for == "f, g, h");
  CHECK(head.forwarded_proto == "p, q");
  CHECK(head.peer == net::ip::make_address("192.0.2.1"));
  CHECK_FALSE(head.tls);

  house.guard.refusal = problem(401, "who", "are you");
  client.send(request("GET /echo") + with_body("PATCH /upload", "hello"));
  CHECK(client.answer().status() == 401);
  const auto refused = client.answer();
  CHECK(refused.status() == 401);
  CHECK(refused.has("X-Guarded: plain"));
  CHECK(house.heard.size() == 1);
  CHECK_FALSE(house.upload.began);
}

TEST_CASE("what cannot be understood carries the gate's headers, too") {
  House house;
  house.guarded = true;
  auto& client = house.connect();
  client.send("nonsense\r\n\r\n");
  CHECK(client.answer().has("X-Guarded: plain"));
  CHECK(house.guard.heads.empty());
}

TEST_CASE("a feed goes out piece by piece, until it ends and the connection with it") {
  House house;
  house.pieces->texts = {"one ", "two "};
  auto& client = house.connect();
  client.send(request("GET /feed"));
  REQUIRE(client.gets("two "));
  house.pieces->texts.push_back("three");
  house.pieces->wake.cancel();
  REQUIRE(client.gets("three"));
  house.pieces->over = true;
  house.pieces->wake.cancel();
  const auto all = client.rest();
  const auto end = all.find("\r\n\r\n");
  const test::Answer answer{all.substr(0, end), all.substr(end + 4)};
  CHECK(answer.body == "one two three");
  CHECK(answer.has("Content-Type: text/event-stream"));
  CHECK(answer.has("X-Accel-Buffering: no"));
  CHECK(answer.has("Connection: close"));
  CHECK_FALSE(answer.names("Content-Length"));
  CHECK_FALSE(answer.names("Transfer-Encoding"));
  CHECK(house.ends());
}

TEST_CASE("a HEAD of a feed draws nothing from the feed") {
  House house;
  house.pieces->texts = {"one"};
  auto& client = house.connect();
  client.send(request("HEAD /feed") + request("GET /echo"));
  CHECK(client.answer(false).status() == 200);
  CHECK(client.answer().body == "!");
  CHECK(house.pieces->texts.size() == 1);
}

TEST_CASE("a feed ends for a client that has left") {
  House house;
  auto& client = house.connect();
  client.send(request("GET /feed"));
  REQUIRE(client.gets("\r\n\r\n"));
  client.close();
  for (int i = 0; i < 3; ++i) house.pieces->texts.push_back("lost");
  house.pieces->wake.cancel();
  CHECK(house.ends());
}

TEST_CASE("a feed ends where its client is not let in any more") {
  House house;
  house.guarded = true;
  house.trusted = 0s;
  auto& client = house.connect();
  client.send(request("GET /feed", "Cookie: c\r\n"));
  const auto tell = [&house](const char* text) {
    house.pieces->texts.emplace_back(text);
    house.pieces->wake.cancel();
  };
  tell("one");
  REQUIRE(client.gets("one"));
  CHECK(house.guard.heads.size() == 2);
  CHECK(house.guard.heads.back().cookie == "c");
  house.guard.still = false;
  tell("two");
  CHECK(client.rest().ends_with("one"));
  CHECK(house.ends());
}

TEST_CASE("the gate is not asked for each piece of a feed") {
  House house;
  house.guarded = true;
  house.pieces->texts = {"one ", "two ", "three"};
  auto& client = house.connect();
  client.send(request("GET /feed"));
  CHECK(client.gets("three"));
  CHECK(house.guard.heads.size() == 1);
}

TEST_CASE("a large body is taken in pieces of at most 256 KiB, and the connection goes on") {
  for (const bool in_chunks : {false, true}) {
    CAPTURE(in_chunks);
    House house;
    auto& client = house.connect();
    const auto body = test::pattern(2 * piece_size + 1000);
    client.send((in_chunks ? chunked("PATCH /upload", body, 50'000) : with_body("PATCH /upload", body)) +
                request("GET /echo"));
    CHECK(client.answer().body == "kept");
    CHECK((house.upload.body == body));
    CHECK(house.upload.pieces == std::vector<std::size_t>{piece_size, piece_size, 1000});
    CHECK(house.upload.announced == (in_chunks ? std::nullopt : std::optional<std::uint64_t>(body.size())));
    CHECK(client.answer().body == "!");
    CHECK(house.upload.gone);
  }
}

TEST_CASE("a body of nothing is a body, too") {
  House house;
  auto& client = house.connect();
  client.send(with_body("PATCH /upload", "") + request("GET /echo"));
  CHECK(client.answer().body == "kept");
  CHECK(house.upload.pieces.empty());
  CHECK(house.upload.announced == 0);
  CHECK(client.answer().body == "!");
}

TEST_CASE("a receiver that refuses a body has none of it, and a client that waits keeps it") {
  House house;
  house.at_begin = problem(409, "no", "not now");
  auto& waiting = house.connect();
  waiting.send(request("PATCH /upload", "Content-Length: 5\r\nExpect: 100-continue\r\n"));
  const auto refused = waiting.answer();
  CHECK(refused.status() == 409);  // and no 100 before it
  CHECK(refused.has("Connection: close"));
  CHECK(waiting.rest().empty());
  CHECK(house.upload.pieces.empty());

  auto& other = house.connect();
  const std::string body(3 << 20, 'x');
  // A browser sends all before it reads anything.
  CHECK(other.send(with_body("PATCH /upload", body)));
  CHECK(other.answer().status() == 409);
  CHECK(other.rest().empty());
  CHECK(house.upload.pieces.empty());
  CHECK_FALSE(house.upload.ended);
}

TEST_CASE("a receiver that has had enough is given no more") {
  House house;
  house.at_piece = problem(507, "full", "no room");
  auto& client = house.connect();
  CHECK(client.send(with_body("PATCH /upload", std::string(3 << 20, 'x'))));
  const auto refused = client.answer();
  CHECK(refused.status() == 507);
  CHECK(refused.has("Connection: close"));
  CHECK(client.rest().empty());
  CHECK(house.upload.pieces == std::vector<std::size_t>{piece_size});
  CHECK_FALSE(house.upload.ended);
  CHECK(house.upload.gone);
}

TEST_CASE("a receiver that refuses the last piece leaves a connection that goes on") {
  House house;
  house.at_piece = problem(409, "no", "wrong digest");
  auto& client = house.connect();
  client.send(with_body("PATCH /upload", "hello") + request("GET /echo"));
  const auto refused = client.answer();
  CHECK(refused.status() == 409);
  CHECK_FALSE(refused.has("Connection: close"));
  CHECK(client.answer().body == "!");
}

TEST_CASE("of a body that breaks off the receiver has what came, and does not hear of an end") {
  House house;
  auto& client = house.connect();
  client.send(request("PATCH /upload", "Content-Length: 1000\r\n", "hello"));
  client.finish();
  CHECK(client.rest().empty());
  CHECK(house.ends());
  CHECK(house.upload.body == "hello");
  CHECK_FALSE(house.upload.ended);
  CHECK(house.upload.gone);
  CHECK(house.statuses.empty());
}

TEST_CASE("a chunk that is none breaks a body off") {
  House house;
  auto& client = house.connect();
  client.send(request("PATCH /upload", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nzz\r\n"));
  CHECK(client.rest().find("200 OK") == std::string::npos);
  CHECK(house.ends());
  CHECK_FALSE(house.upload.ended);
}

TEST_CASE("who speaks HTTP to a port of HTTPS is sent to the same address there") {
  struct Case {
    const char *text, *location;
  };
  for (const auto& [text, location] :
       {Case{"GET /x?y=1 HTTP/1.1\r\nHost: depot.example:8443\r\n\r\n", "https://depot.example:8443/x?y=1"},
        Case{"POST / HTTP/1.1\r\nHost: [::1]:443\r\nContent-Length: 5\r\n\r\nhello", "https://[::1]:443/"},
        Case{"GET / HTTP/1.1\r\n\r\n", nullptr}, Case{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", nullptr},
        Case{"GET / HTTP/1.1\r\nHost: a\x80\r\n\r\n", nullptr},
        Case{"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", nullptr},
        Case{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", nullptr}}) {
    CAPTURE(text);
    House house;
    house.guarded = true;
    auto& client = house.connect_to_tls();
    client.send(text);
    const auto answer = client.answer();
    CHECK(answer.status() == 308);
    if (location)
      CHECK(answer.has("Location: " + std::string(location)));
    else
      CHECK_FALSE(answer.names("Location"));
    CHECK(house.ends());
    CHECK(house.guard.heads.empty());
  }
}

TEST_CASE("who speaks HTTP to a port of HTTPS hears the answer whatever else is on its way") {
  struct Case {
    std::string text;
    int status;
  };
  for (const auto& [text, status] :
       {Case{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + std::string(60'000, 'x'), 308},
        Case{"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(60'000, 'x') + "\r\n\r\n", 413},
        Case{"GET /" + std::string(60'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 413},
        Case{"nonsense\r\n\r\n" + std::string(60'000, 'x'), 400}}) {
    CAPTURE(text.substr(0, 60));
    House house;
    auto& client = house.connect_to_tls();
    client.send(text);
    CHECK(client.answer().status() == status);
    CHECK(client.rest().empty());
    CHECK_FALSE(client.was_reset());
    client.close();
    CHECK(house.ends());
  }
}

TEST_CASE("over TLS requests are answered, and the end is told within TLS") {
  House house;
  house.guarded = true;
  auto& client = house.connect_to_tls();
  REQUIRE(client.begin_tls());
  client.send(request("GET /echo") + with_body("PATCH /upload", "hello", "Connection: close\r\n"));
  const auto answer = client.answer();
  CHECK(answer.body == "!");
  CHECK(answer.has("X-Guarded: secure"));
  CHECK(client.answer().body == "kept");
  CHECK(client.rest().empty());
  CHECK(client.said_goodbye());
  CHECK(house.guard.heads.at(0).tls);
  CHECK(house.workers.busy() == 0);
  client.close();
  CHECK(house.ends());
}

TEST_CASE("a client that has no share of the handshakes is closed, and a share ends with its handshake") {
  House house;
  auto& slow = house.connect_to_tls();
  slow.send("\x16");
  REQUIRE(test::runs_until(house.loop, [&] { return house.handshakes.are_all_taken(); }));
  auto& refused = house.connect_to_tls();
  CHECK_FALSE(refused.begin_tls());
  slow.close();
  REQUIRE(test::runs_until(house.loop, [&] { return !house.handshakes.are_all_taken(); }));
  for (int i = 0; i < 2; ++i) {
    auto& client = house.connect_to_tls();
    REQUIRE(client.begin_tls());
    client.send(request("GET /echo"));
    CHECK(client.answer().body == "!");
  }
}

TEST_CASE("what begins like TLS and is not is closed without an answer") {
  House house;
  auto& client = house.connect_to_tls();
  client.send("\x16GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.rest().find("HTTP/1.1") == std::string::npos);
  CHECK(house.ends());
  auto& silent = house.connect_to_tls();
  silent.finish();
  CHECK(silent.rest().empty());
  CHECK(house.ends());
}
