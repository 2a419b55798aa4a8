#pragma once
#include <doctest/doctest.h>

#include <array>
#include <boost/asio/local/datagram_protocol.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/loop/net.hpp"
#include "tests/support/environment_variable.hpp"
#include "tests/support/temp_dir.hpp"

namespace test {

// No service manager has started this process.
struct NoManager {
  EnvironmentVariable socket{"NOTIFY_SOCKET", std::nullopt}, watchdog{"WATCHDOG_USEC", std::nullopt},
      process{"WATCHDOG_PID", std::nullopt};
};

// A service manager in this process, which hears what sd_notify(3) would tell it.
class Manager {
 public:
  Manager() { socket_.non_blocking(true); }

  // The messages since the last time.
  std::vector<std::string> heard() {
    std::vector<std::string> messages;
    std::array<char, 4096> buffer;
    for (;;) {
      server::error_code failure;
      const auto size = socket_.receive(server::net::buffer(buffer), 0, failure);
      if (failure) return messages;
      messages.emplace_back(buffer.data(), size);
    }
  }

 private:
  using Protocol = server::net::local::datagram_protocol;

  TempDir directory_;
  const std::string path_ = (directory_ / "notify").string();
  server::net::io_context loop_;
  Protocol::socket socket_{loop_, Protocol::endpoint(path_)};
  const EnvironmentVariable variable_{"NOTIFY_SOCKET", path_};
};

}  // namespace test
