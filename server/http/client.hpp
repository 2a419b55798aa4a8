#pragma once
#include <filesystem>
#include <string>

#include "server/http/message.hpp"
#include "server/os/control_socket.hpp"

namespace server::http {

// Asks a running server over its control socket, for commands. Blocks; one connection for all that it asks.
class Client {
 public:
  // Throws std::system_error where no server answers.
  explicit Client(const std::filesystem::path& folder);
  // Throws std::system_error where the server went away.
  Reply ask(const std::string& method, const std::string& path);

 private:
  net::io_context loop_;
  ControlSocket::Protocol::socket socket_;
};

}  // namespace server::http
