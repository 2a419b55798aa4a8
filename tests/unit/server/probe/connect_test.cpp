#include "server/probe/connect.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace server;
using namespace std::chrono_literals;
using probe::Cause, probe::Report, probe::Target;

namespace {

constexpr auto patient = 60s;
const auto loopback = net::ip::address_v4::loopback();

// One try, in a loop of its own.
struct Try {
  net::io_context loop;
  tcp::socket socket{loop};
  Report report;
  bool connected;

  Try(std::string host, std::uint16_t port, std::chrono::milliseconds patience = patient)
      : connected(probe::connect_to({Target::Scheme::http, "", std::move(host), port, "/x"}, patience, loop,
                                    socket, report)) {}
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a server that listens is reached, and the report says whom it is about") {
  net::io_context loop;
  tcp::acceptor server(loop, tcp::endpoint(loopback, 0));
  const auto port = server.local_endpoint().port();
  Try to("127.0.0.1", port);
  REQUIRE(to.connected);
  CHECK(to.report.host == "127.0.0.1");
  CHECK(to.report.server == "127.0.0.1:" + std::to_string(port));
  CHECK_FALSE(to.report.cause);
  auto accepted = server.accept();
  CHECK(accepted.remote_endpoint() == to.socket.local_endpoint());
}

TEST_CASE("a server of IPv6 has its brackets in the report") {
  net::io_context loop;
  tcp::acceptor server(loop);
  error_code error;
  server.open(tcp::v6(), error);
  if (!error) server.bind(tcp::endpoint(net::ip::address_v6::loopback(), 0), error);
  if (error) return;  // this host has no IPv6
  server.listen();
  const auto port = server.local_endpoint().port();
  const Try to("::1", port);
  CHECK(to.connected);
  CHECK(to.report.host == "::1");
  CHECK(to.report.server == "[::1]:" + std::to_string(port));
}

TEST_CASE("a port where nobody listens is refused, and named") {
  net::io_context loop;
  const auto port = tcp::acceptor(loop, tcp::endpoint(loopback, 0)).local_endpoint().port();
  const Try to("127.0.0.1", port);
  CHECK_FALSE(to.connected);
  CHECK(to.report.cause == Cause::refused);
  CHECK(to.report.what == "nobody listens on TCP port " + std::to_string(port) + " of 127.0.0.1");
  CHECK(to.report.server == "127.0.0.1:" + std::to_string(port));
}

TEST_CASE("a server that does not answer is timed out") {
  net::io_context loop;
  tcp::acceptor server(loop, tcp::endpoint(loopback, 0));
  server.listen(0);  // then the system drops what comes once one waits
  std::vector<tcp::socket> waiting;
  const auto endpoint = server.local_endpoint();
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(loop, tcp::v4()).native_non_blocking(true);
    // The call of tcp::socket would wait.
    error_code ignored;
    net::detail::socket_ops::connect(waiting.back().native_handle(), endpoint.data(), endpoint.size(),
                                     ignored);
  }
  const auto port = endpoint.port();
  const Try to("127.0.0.1", port, 30ms);
  CHECK_FALSE(to.connected);
  CHECK(to.report.cause == Cause::timed_out);
  CHECK(to.report.what == "no answer came from TCP port " + std::to_string(port) + " within 0 s");
}

TEST_CASE("an address to which nothing can be connected has no route, with the system's words") {
  const Try to("255.255.255.255", 80);
  CHECK_FALSE(to.connected);
  CHECK(to.report.cause == Cause::no_route);
  CHECK(to.report.what == "connecting to 255.255.255.255:80 failed: Network is unreachable");
}

TEST_CASE("a name without an address is named, escaped, and no server is") {
  const Try to("\x1b[2J" + std::string(300, 'a'), 80);
  CHECK_FALSE(to.connected);
  CHECK(to.report.cause == Cause::no_address);
  CHECK(to.report.what.starts_with("\\x1b[2Jaaaa"));
  CHECK(has(to.report.what, " has no address: "));
  CHECK(to.report.server.empty());
}
