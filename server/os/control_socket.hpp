#pragma once
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "server/loop/net.hpp"

namespace server {

// What a command finds a listening socket by: its name in the file system, or the file that says its port.
// Removed with this, which may wait for the disk. Any thread.
class SocketFile {
 public:
  SocketFile() = default;
  // `mark` tells this file from one that took its place; it is not 0.
  SocketFile(std::filesystem::path path, std::uint64_t mark) : path_(std::move(path)), mark_(mark) {}
  SocketFile(SocketFile&& other) noexcept
      : path_(std::move(other.path_)), mark_(std::exchange(other.mark_, 0)) {}
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(mark_, other.mark_);
    return *this;
  }
  ~SocketFile();

 private:
  std::filesystem::path path_;
  std::uint64_t mark_ = 0;  // 0: none
};

// The socket of a running server that commands on this host ask, found in a folder. Linux: a socket of the
// file system, `control.sock`; its owner and the folder's group may connect. Windows: a port of the loopback
// address. Its number and a key, new at each start, stand in `control.json`, which administrators and the
// server's own account may read, and each request must show the key: Windows does not say reliably who
// connects, and wine has no sockets in the file system.
struct ControlSocket {
  using Protocol = net::generic::stream_protocol;
  using Acceptor = net::basic_socket_acceptor<Protocol>;

  // Listens. Replaces the file of a server that ended without removing it. Throws std::system_error; with
  // errc::address_in_use where another server answers there.
  ControlSocket(net::io_context& loop, const std::filesystem::path& folder);

  // For a command. Throws std::system_error where no server answers there.
  static Protocol::socket connect(net::io_context& loop, const std::filesystem::path& folder);
  // What each request of a command must show as a bearer's token (RFC 6750); empty where none is asked for.
  // Throws std::system_error where it cannot be read.
  static std::string key_in(const std::filesystem::path& folder);

  Acceptor acceptor;
  SocketFile file;
  std::string key;  // likewise, of who asks; empty: is_of_administrator() tells
};

// Whether the process at the other end is root's, or runs as this one does. Windows: false, the key tells.
bool is_of_administrator(ControlSocket::Protocol::socket& socket);

// The number of the process that listens at the other end; nothing where the system does not say.
std::optional<std::uint32_t> process_at(ControlSocket::Protocol::socket& socket);

}  // namespace server
