#include "server/os/socket_output.hpp"

#include <doctest/doctest.h>

#include <array>
#include <span>
#include <string>

#include "server/loop/net.hpp"
#include "storage/files/file.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/support/sigpipe.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;

namespace {

// A file with other bytes at each place, and a connection to send it through.
struct House {
  test::TempDir dir;
  std::string content;
  storage::File file;
  net::io_context loop;
  tcp::socket socket{loop}, peer{loop};

  explicit House(std::size_t size = 10)
      : content(some(size)), file(storage::open_plain_file(dir.write("image", content))) {
    tcp::acceptor acceptor(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    socket.connect(acceptor.local_endpoint());
    peer = acceptor.accept();
    socket.non_blocking(true);
    peer.non_blocking(true);
  }
  static std::string some(std::size_t size) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + ' ';
    text.resize(size);
    return text;
  }
  std::size_t send(std::uint64_t offset, std::size_t size, std::error_code& error) {
    return send_file(socket.native_handle(), file, offset, size, error);
  }
  // Everything that has arrived.
  std::string take() {
    std::string text;
    std::array<char, 65'536> buffer{};
    for (error_code error; !error;) text.append(buffer.data(), peer.read_some(net::buffer(buffer), error));
    return text;
  }
  std::string take_at_least(std::size_t size) {
    std::string text;
    while (text.size() < size) {
      peer.wait(tcp::socket::wait_read);
      text += take();
    }
    return text;
  }
};

}  // namespace

TEST_CASE("bytes of a file go out from their offset, as many as there are") {
  struct Case {
    std::uint64_t offset;
    std::size_t size;
    std::string arrives;
  };
  House house;
  for (const auto& each :
       {Case{0, 10, house.content}, Case{3, 4, house.content.substr(3, 4)},
        Case{9, 1, house.content.substr(9)}, Case{5, 1000, house.content.substr(5)}, Case{2, 0, ""},
        Case{10, 5, ""}, Case{11, 5, ""}, Case{std::uint64_t{1} << 40, 5, ""}}) {
    CAPTURE(each.offset);
    std::error_code error;
    CHECK(house.send(each.offset, each.size, error) == each.arrives.size());
    CHECK_FALSE(error);
    CHECK(house.take_at_least(each.arrives.size()) == each.arrives);
  }
}

TEST_CASE("a full socket is not a failure, and what is sent in pieces arrives whole") {
  House house(20'000'000);
  std::string arrived;
  std::size_t sent = 0, full = 0;
  while (sent < house.content.size()) {
    std::error_code error;
    sent += house.send(sent, house.content.size() - sent, error);
    if (!error) continue;
    REQUIRE(error == std::errc::operation_would_block);
    // The other side has not taken all of it, and says so.
    if (full++ == 0) CHECK(unconfirmed_bytes(house.socket.native_handle()).value_or(0) > 0);
    arrived += house.take_at_least(1);
  }
  arrived += house.take_at_least(sent - arrived.size());
  CHECK(full > 0);
  CHECK(arrived == house.content);
}

TEST_CASE("a file that was cut short while it is sent ends where it ends now") {
  House house(1000);
  std::filesystem::resize_file(house.dir / "image", 600);
  std::error_code error;
  CHECK(house.send(500, 500, error) == 100);
  CHECK(house.send(600, 400, error) == 0);
  CHECK_FALSE(error);
}

TEST_CASE("a connection that is shut is an error, and a full one is not the word for it") {
  House house;
  house.socket.shutdown(tcp::socket::shutdown_send);
  std::error_code error;
  CHECK(house.send(0, 10, error) == 0);
  CHECK(error == std::errc::broken_pipe);
}

TEST_CASE("what is not a socket has no unconfirmed bytes, and a new connection has none") {
  House house;
  CHECK(unconfirmed_bytes(house.socket.native_handle()) == 0);
  CHECK_FALSE(unconfirmed_bytes(static_cast<SocketHandle>(house.file.handle().get())));
  CHECK_FALSE(unconfirmed_bytes(no_socket));
}

TEST_CASE("a connection is gone once it was reset, whoever read its error, or both have ended it") {
  for (const bool error_is_read : {false, true}) {
    CAPTURE(error_is_read);
    House house;
    CHECK_FALSE(is_disconnected(house.socket.native_handle()));
    house.peer.set_option(net::socket_base::linger(true, 0));
    house.peer.close();
    if (error_is_read) {
      net::detail::socket_option::integer<SOL_SOCKET, SO_ERROR> fault;
      house.socket.get_option(fault);
      CHECK(error_code(fault.value(), net::error::get_system_category()) == net::error::connection_reset);
    }
    CHECK(is_disconnected(house.socket.native_handle()));
  }
  House house;
  house.peer.shutdown(tcp::socket::shutdown_send);
  CHECK_FALSE(is_disconnected(house.socket.native_handle()));  // it may read on
  house.socket.shutdown(tcp::socket::shutdown_send);
  CHECK(is_disconnected(house.socket.native_handle()));
  CHECK_FALSE(is_disconnected(static_cast<SocketHandle>(house.file.handle().get())));
  CHECK_FALSE(is_disconnected(no_socket));
}

TEST_CASE("last words go out as far as there is room, and do not wait") {
  House house(20'000'000);
  const auto words = std::as_bytes(std::span(house.content));
  send_at_once(house.socket.native_handle(), words.first(5));
  CHECK(house.take_at_least(5) == house.content.substr(0, 5));
  send_at_once(house.socket.native_handle(), words);
  const auto arrived = house.take_at_least(1);
  CHECK(arrived == house.content.substr(0, arrived.size()));
}
