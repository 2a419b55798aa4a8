#include "server/http/client.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "server/os/control_socket.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/http/peer.hpp"

using namespace server;
using server::http::Client;

namespace {

// Answers the requests of one client with these texts, and leaves.
class Server {
 public:
  explicit Server(std::vector<std::string> answers)
      : answers_(std::move(answers)), thread_([this] { serve(); }) {}

  const std::filesystem::path& folder() const { return dir_.path(); }
  // What the client said, once it has gone or has all answers.
  std::vector<std::string> asked() {
    if (thread_.joinable()) thread_.join();
    return asked_;
  }

 private:
  void serve() {
    auto client = socket_.acceptor.accept();
    std::string received;
    for (const auto& answer : answers_) {
      error_code error;
      const auto size = net::read_until(client, net::dynamic_buffer(received), "\r\n\r\n", error);
      if (error) return;
      asked_.push_back(received.substr(0, size));
      received.erase(0, size);
      net::write(client, net::buffer(answer), error);
    }
  }

  test::TempDir dir_;
  net::io_context loop_;
  ControlSocket socket_{loop_, dir_.path()};
  std::vector<std::string> answers_, asked_;
  std::jthread thread_;
};

std::string message_of(const std::string& answer) {
  Server server({answer});
  Client client(server.folder());
  try {
    client.ask("GET", "/");
  } catch (const std::system_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a command asks as often as it likes over one connection") {
  Server server(
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
       "HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end"});
  Client client(server.folder());
  CHECK(client.process() == static_cast<std::uint32_t>(::getpid()));
  const auto first = client.ask("GET", "/api/v1/status?all");
  CHECK(first.status == 200);
  CHECK(first.type == "text/plain");
  CHECK(first.body == "hello");
  const auto second = client.ask("DELETE", "/api/v1/transfers/7");
  CHECK(second.status == 409);
  CHECK(second.type == "application/problem+json");
  CHECK(second.body == "{}");
  CHECK(client.ask("GET", "/chunks").body == "abcde");
  const auto empty = client.ask("POST", "/act");
  CHECK(empty.status == 204);
  CHECK(empty.body.empty());
  CHECK(empty.type.empty());
  CHECK(client.ask("GET", "/").body == "until the end");
  const auto asked = server.asked();
  REQUIRE(asked.size() == 5);
  CHECK(asked[0] == "GET /api/v1/status?all HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(asked[1].starts_with("DELETE /api/v1/transfers/7 HTTP/1.1\r\n"));
  CHECK(asked[3].starts_with("POST /act HTTP/1.1\r\n"));
}

TEST_CASE("a command that finds no server hears where it looked") {
  const test::TempDir dir;
  CHECK_THROWS_WITH_AS(Client(dir.path()), doctest::Contains("control.sock"), std::system_error);
  CHECK_THROWS_WITH_AS(Client(dir / "none"), doctest::Contains("none"), std::system_error);
  {
    net::io_context loop;
    const ControlSocket gone(loop, dir.path());
  }
  CHECK_THROWS_AS(Client(dir.path()), std::system_error);
  dir.write("control.sock", "not a socket");
  CHECK_THROWS_AS(Client(dir.path()), std::system_error);
}

TEST_CASE("a server that goes away in the middle has not answered") {
  for (const auto* answer :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "nonsense\r\n\r\n"}) {
    CAPTURE(answer);
    CHECK_FALSE(message_of(answer).empty());
  }
}

TEST_CASE("a server that left after its answer does not answer the next question") {
  Server server({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  Client client(server.folder());
  CHECK(client.ask("GET", "/").body == "ok");
  server.asked();
  CHECK_THROWS_AS(client.ask("GET", "/"), std::system_error);
}

TEST_CASE("an answer has at most 64 MiB") {
  const auto announced = [](const char* size) {
    return message_of("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(size) + "\r\n\r\nx");
  };
  CHECK(announced("67108865").find("body limit") != std::string::npos);
  CHECK(announced("67108864").find("body limit") == std::string::npos);
  CHECK_FALSE(announced("67108864").empty());  // it is cut off
}
