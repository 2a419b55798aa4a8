#pragma once
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "server/loop/net.hpp"

namespace server {

// The name of a listening socket in the file system; removed with this, which may wait for the disk. Any
// thread.
class SocketFile {
 public:
  SocketFile() = default;
  SocketFile(std::filesystem::path path, std::uint64_t inode) : path_(std::move(path)), inode_(inode) {}
  SocketFile(SocketFile&& other) noexcept
      : path_(std::move(other.path_)), inode_(std::exchange(other.inode_, 0)) {}
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(inode_, other.inode_);
    return *this;
  }
  ~SocketFile();

 private:
  std::filesystem::path path_;
  std::uint64_t inode_ = 0;  // 0: none
};

// The socket of a running server that commands on this host ask: `control.sock` in a folder. Its owner and
// the folder's group may connect.
struct ControlSocket {
  using Protocol = net::local::stream_protocol;

  // Listens. Replaces the file of a server that ended without removing it. Throws std::system_error; with
  // address_in_use where another server answers there.
  ControlSocket(net::io_context& loop, const std::filesystem::path& folder);

  // For a command. Throws std::system_error where no server answers there.
  static Protocol::socket connect(net::io_context& loop, const std::filesystem::path& folder);

  Protocol::acceptor acceptor;
  SocketFile file;
};

// Whether the process at the other end is root's, or runs as this one does.
bool is_of_administrator(ControlSocket::Protocol::socket& socket);

// The number of the process that listens at the other end; nothing where the system does not say.
std::optional<std::uint32_t> process_at(ControlSocket::Protocol::socket& socket);

}  // namespace server
