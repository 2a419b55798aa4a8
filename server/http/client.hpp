#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "server/http/message.hpp"
#include "server/os/control_socket.hpp"

namespace server::http {

// Asks a running server over its control socket, for commands. Blocks; one connection for all that it asks.
class Client {
 public:
  // Throws std::system_error where no server answers.
  explicit Client(const std::filesystem::path& folder);
  // Throws std::system_error where the server went away, and with errc::timed_out where it does not answer
  // in ten seconds.
  Reply ask(const std::string& method, const std::string& path);
  // The number of the server's process; nothing where the system does not say.
  std::optional<std::uint32_t> process() { return process_at(socket_); }

 private:
  void wait();  // until what was begun is done

  net::io_context loop_;
  ControlSocket::Protocol::socket socket_;
  const std::string key_;  // empty: none is asked for
};

}  // namespace server::http
