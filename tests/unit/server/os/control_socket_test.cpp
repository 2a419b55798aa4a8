#include "server/os/control_socket.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/os/child.hpp"

using namespace server;
namespace fs = std::filesystem;

namespace {

struct Refusal {
  std::error_code code;
  std::string text;
};

template <class Try>
Refusal refusal_of(Try attempt) {
  try {
    attempt();
  } catch (const std::system_error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

const std::vector<std::string> only_the_socket{"control.sock"}, nothing;

// What one of them writes arrives at the other.
bool are_connected(ControlSocket::Protocol::socket& a, ControlSocket::Protocol::socket& b) {
  std::array<char, 1> sent{'x'}, heard{};
  a.write_some(net::buffer(sent));
  b.read_some(net::buffer(heard));
  return heard == sent;
}

// A server that has more connections than it takes.
class BusyServer {
 public:
  explicit BusyServer(const fs::path& file) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    file.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 0) == 0);
    for (int failed = 0; failed == 0;) {
      clients_.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      failed = ::connect(clients_.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
      REQUIRE(clients_.size() < 100);
    }
  }
  ~BusyServer() {
    ::close(listener_);
    for (const int client : clients_) ::close(client);
  }

 private:
  int listener_;
  std::vector<int> clients_;
};

}  // namespace

TEST_CASE("a command reaches the server of a folder, and each knows the other's process") {
  const test::TempDir dir;
  net::io_context loop;
  ControlSocket server(loop, dir.path());
  auto command = ControlSocket::connect(loop, dir.path());
  auto accepted = server.acceptor.accept();
  CHECK(are_connected(command, accepted));
  CHECK(is_of_administrator(accepted));
  CHECK(process_at(accepted) == static_cast<std::uint32_t>(::getpid()));
  CHECK(process_at(command) == static_cast<std::uint32_t>(::getpid()));
}

TEST_CASE("owner and group may connect, whatever the umask, and nobody else") {
  const test::TempDir dir;
  net::io_context loop;
  for (const mode_t mask : {0000, 0077, 0777}) {
    const auto old = ::umask(mask);
    const ControlSocket server(loop, dir.path());
    ::umask(old);
    CHECK((fs::status(dir / "control.sock").permissions() & fs::perms::mask) == fs::perms(0660));
    CHECK(names_in(dir.path()) == only_the_socket);
  }
}

TEST_CASE("a process of another user is not the administrator's" * doctest::skip(::geteuid() != 0)) {
  const test::TempDir dir;
  net::io_context loop;
  ControlSocket server(loop, dir.path());
  fs::permissions(dir.path(), fs::perms(0755));
  fs::permissions(dir / "control.sock", fs::perms(0666));
  test::Child other([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return std::string("no other user");
    net::io_context own;
    auto socket = ControlSocket::connect(own, dir.path());
    std::array<char, 1> byte{};
    error_code error;
    socket.read_some(net::buffer(byte), error);  // until the server has looked
    return std::to_string(::getpid()) + (is_of_administrator(socket) ? " root" : "");
  });
  ControlSocket::Protocol::socket accepted(loop);
  server.acceptor.async_accept(accepted, [](const error_code&) {});
  REQUIRE(loop.run_one_for(std::chrono::seconds(10)) == 1);
  CHECK_FALSE(is_of_administrator(accepted));
  const auto process = process_at(accepted);
  accepted.close();
  REQUIRE(process);
  CHECK(other.answer() == std::to_string(*process) + " root");
}

TEST_CASE("a second server is refused, and the first one stays reachable") {
  const test::TempDir dir;
  net::io_context loop;
  ControlSocket server(loop, dir.path());
  const auto refusal = refusal_of([&] { ControlSocket(loop, dir.path()); });
  CHECK(refusal.code == std::errc::address_in_use);
  CHECK(refusal.text.find((dir / "control.sock").string()) != std::string::npos);
  CHECK(names_in(dir.path()) == only_the_socket);
  auto question = server.acceptor.accept();  // with which the second asked whether there is a first
  auto command = ControlSocket::connect(loop, dir.path());
  auto accepted = server.acceptor.accept();
  CHECK(are_connected(command, accepted));
}

TEST_CASE("a server that is too busy to take a connection is not taken for a dead one") {
  const test::TempDir dir;
  net::io_context loop;
  const BusyServer busy(dir / "control.sock");
  CHECK(refusal_of([&] { ControlSocket(loop, dir.path()); }).code == std::errc::address_in_use);
}

TEST_CASE("the file of a server that died is replaced") {
  const test::TempDir dir;
  net::io_context loop;
  ControlSocket dead(loop, dir.path());
  dead.acceptor.close();
  CHECK(refusal_of([&] { ControlSocket::connect(loop, dir.path()); }).code == std::errc::connection_refused);
  ControlSocket server(loop, dir.path());
  dead.file = SocketFile();  // its name is another's now
  CHECK(names_in(dir.path()) == only_the_socket);
  auto command = ControlSocket::connect(loop, dir.path());
  auto accepted = server.acceptor.accept();
  CHECK(are_connected(command, accepted));
}

TEST_CASE("a server that ends takes its file with it, also after it was moved") {
  const test::TempDir dir;
  net::io_context loop;
  SocketFile kept;
  {
    ControlSocket server(loop, dir.path());
    SocketFile moved(std::move(server.file));
    kept = std::move(moved);
  }
  CHECK(names_in(dir.path()) == only_the_socket);
  kept = SocketFile();
  CHECK(names_in(dir.path()) == nothing);
  const auto refusal = refusal_of([&] { ControlSocket::connect(loop, dir.path()); });
  CHECK(refusal.code == std::errc::no_such_file_or_directory);
  CHECK(refusal.text.find("control.sock") != std::string::npos);
}

TEST_CASE("a folder whose path is longer than a socket's address has its socket all the same") {
  const test::TempDir dir;
  const auto folder = dir / (std::string(100, 'a') + '/' + std::string(100, 'b'));
  fs::create_directories(folder);
  net::io_context loop;
  {
    ControlSocket server(loop, folder);
    auto command = ControlSocket::connect(loop, folder);
    auto accepted = server.acceptor.accept();
    CHECK(are_connected(command, accepted));
  }
  CHECK(names_in(folder) == nothing);
}

TEST_CASE("a folder that is not there, and a folder in the socket's place, are errors with their path") {
  const test::TempDir dir;
  net::io_context loop;
  const auto missing = refusal_of([&] { ControlSocket(loop, dir / "missing"); });
  CHECK(missing.code == std::errc::no_such_file_or_directory);
  CHECK(missing.text.find((dir / "missing").string()) != std::string::npos);
  CHECK(refusal_of([&] { ControlSocket::connect(loop, dir / "missing"); }).code ==
        std::errc::no_such_file_or_directory);
  CHECK(refusal_of([&] { ControlSocket(loop, dir.write("file", "x")); }).code == std::errc::not_a_directory);
  fs::create_directories(dir / "taken/control.sock/x");
  CHECK(refusal_of([&] { ControlSocket(loop, dir / "taken"); }).code != std::error_code());
  CHECK(names_in(dir / "taken") == only_the_socket);
}
