#include "server/os/log_socket.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "tests/support/temp_dir.hpp"

using server::LogSocket;
namespace fs = std::filesystem;

namespace {

// Somebody who reads a log's socket.
class Daemon {
 public:
  explicit Daemon(fs::path path, int type = SOCK_DGRAM)
      : path_(std::move(path)), handle_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    if (type == SOCK_STREAM) REQUIRE(::listen(handle_, 1) == 0);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() { ::close(handle_); }

  // The next record; nothing where none waits.
  std::optional<std::string> take() const {
    std::string record(1 << 20, '\0');
    const auto size = ::recv(handle_, record.data(), record.size(), MSG_DONTWAIT);
    if (size < 0) return {};
    record.resize(static_cast<std::size_t>(size));
    return record;
  }

 private:
  fs::path path_;
  int handle_;
};

}  // namespace

TEST_CASE("each record arrives as one, with whatever is in it") {
  const test::TempDir dir;
  const Daemon daemon(dir / "log");
  const LogSocket log((dir / "log").string());
  const std::string odd("a\n\0b", 4), large(50'000, 'x');
  for (const auto& record : {odd, large, std::string("<30>last")}) CHECK_FALSE(log.send(record));
  CHECK(daemon.take() == odd);
  CHECK(daemon.take() == large);
  CHECK(daemon.take() == "<30>last");
  CHECK_FALSE(daemon.take());
}

TEST_CASE("a daemon is reached without a record, and one that is not there is an error of its kind") {
  const test::TempDir dir;
  const LogSocket log((dir / "log").string());
  CHECK(log.reach() == std::errc::no_such_file_or_directory);
  CHECK(log.send("lost") == std::errc::no_such_file_or_directory);
  {
    const Daemon daemon(dir / "log");
    CHECK_FALSE(log.reach());
    CHECK_FALSE(log.reach());
    CHECK_FALSE(daemon.take());
  }
  CHECK(log.reach() == std::errc::connection_refused);
  CHECK(log.send("lost") == std::errc::connection_refused);
}

TEST_CASE("a daemon that was started again is found again by itself") {
  const test::TempDir dir;
  const LogSocket log((dir / "log").string());
  for (int start = 0; start < 3; ++start) {
    const Daemon daemon(dir / "log");
    CHECK_FALSE(log.send("hello"));
    CHECK(daemon.take() == "hello");
    fs::remove(dir / "log");
  }
}

TEST_CASE("a record that is too large is an error, and the next one arrives") {
  const test::TempDir dir;
  const Daemon daemon(dir / "log");
  const LogSocket log((dir / "log").string());
  CHECK(log.send(std::string(32 << 20, 'x')) == std::errc::message_size);
  CHECK_FALSE(log.send("small"));
  CHECK(daemon.take() == "small");
}

TEST_CASE("a socket for connections, and a file, take no records") {
  const test::TempDir dir;
  const Daemon daemon(dir / "stream", SOCK_STREAM);
  const LogSocket stream((dir / "stream").string()), file(dir.write("file", "x").string());
  CHECK(stream.reach() == std::errc::wrong_protocol_type);
  CHECK(stream.send("x") == std::errc::wrong_protocol_type);
  CHECK(file.reach() == std::errc::connection_refused);
  CHECK(file.send("x") == std::errc::connection_refused);
}

TEST_CASE("a path that is too long for a socket is an error that says so, and is not cut") {
  const std::string longest = "/" + std::string(106, 'x'), longer = longest + "x";
  CHECK(LogSocket(longest).reach() == std::errc::no_such_file_or_directory);
  try {
    const LogSocket log(longer);
    FAIL("the path was taken");
  } catch (const std::system_error& e) {
    CHECK(e.code() == std::errc::filename_too_long);
    CHECK(std::string(e.what()).starts_with("cannot log to " + longer +
                                            ": a socket's path has at most 107 bytes"));
  }
}
