#pragma once
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "server/loop/net.hpp"

namespace server {

// The socket of a running server that commands on this host ask: `control.sock` in a folder. Its owner and
// the folder's group may connect. On the loop.
class ControlSocket {
 public:
  using Protocol = net::local::stream_protocol;
  using Acceptor = Protocol::acceptor;

  // Listens. Replaces the file of a server that ended without removing it. Throws std::system_error; with
  // address_in_use where another server answers there.
  ControlSocket(net::io_context& loop, const std::filesystem::path& folder);
  ControlSocket(ControlSocket&& other) noexcept
      : file_(std::move(other.file_)),
        inode_(std::exchange(other.inode_, 0)),
        acceptor_(std::move(other.acceptor_)) {}
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();  // removes its file

  Acceptor take_acceptor() { return std::move(acceptor_); }

  // For a command. Throws std::system_error where no server answers there.
  static Protocol::socket connect(net::io_context& loop, const std::filesystem::path& folder);

 private:
  std::filesystem::path file_;
  std::uint64_t inode_ = 0;
  Acceptor acceptor_;
};

// Whether the process at the other end is root's, or runs as this one does.
bool is_of_administrator(ControlSocket::Protocol::socket& socket);

}  // namespace server
