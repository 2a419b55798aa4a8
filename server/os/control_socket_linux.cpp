#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <system_error>

#include "server/os/control_socket.hpp"

namespace server {
namespace {

constexpr auto name = "control.sock";
constexpr mode_t for_owner_and_group = 0660;

using Endpoint = net::local::stream_protocol::endpoint;

const ControlSocket::Protocol by_name{AF_UNIX, 0};

std::system_error failure(int error, const std::filesystem::path& file) {
  return {error, std::generic_category(), file.string()};
}

// A socket's address has room for 107 bytes of path; through the folder's descriptor it has room for any.
class Folder {
 public:
  explicit Folder(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw failure(errno, path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { ::close(descriptor_); }
  std::string file(std::string_view what) const {
    return fmt::format("/proc/self/fd/{}/{}", descriptor_, what);
  }

 private:
  int descriptor_;
};

// Somebody listens there, though perhaps with more connections than he takes: to wait for him could last for
// ever.
bool is_listened_to(net::io_context& loop, const std::string& file) {
  ControlSocket::Protocol::socket socket(loop);
  error_code error;
  socket.open(by_name, error);
  if (!error) socket.non_blocking(true, error);
  if (!error) socket.connect(Endpoint(file), error);
  return !error || error == net::error::try_again || error == net::error::would_block;
}

std::optional<ucred> peer_of(ControlSocket::Protocol::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return peer;
}

}  // namespace

SocketFile::~SocketFile() {
  struct stat there {};
  if (mark_ != 0 && ::stat(path_.c_str(), &there) == 0 && there.st_ino == mark_) ::unlink(path_.c_str());
}

// Made beside its place and renamed: a command never sees one that does not listen yet.
ControlSocket::ControlSocket(net::io_context& loop, const std::filesystem::path& folder) : acceptor(loop) {
  const Folder in(folder);
  const auto path = folder / name;
  const auto place = in.file(name), beside = in.file(fmt::format("{}.{}", name, ::getpid()));
  if (is_listened_to(loop, place)) throw failure(EADDRINUSE, path);
  ::unlink(beside.c_str());
  error_code error;
  acceptor.open(by_name, error);
  if (!error) acceptor.bind(Endpoint(beside), error);
  if (error) throw failure(error.value(), path);
  struct stat made {};
  if (::chmod(beside.c_str(), for_owner_and_group) != 0 || ::stat(beside.c_str(), &made) != 0)
    throw failure(errno, path);
  acceptor.listen(net::socket_base::max_listen_connections, error);
  if (error) throw failure(error.value(), path);
  if (::rename(beside.c_str(), place.c_str()) != 0) {
    const auto why = errno;
    ::unlink(beside.c_str());
    throw failure(why, path);
  }
  file = SocketFile(path, made.st_ino);
}

ControlSocket::Protocol::socket ControlSocket::connect(net::io_context& loop,
                                                       const std::filesystem::path& folder) {
  const Folder in(folder);
  Protocol::socket socket(loop);
  error_code error;
  socket.connect(Endpoint(in.file(name)), error);
  if (error) throw std::system_error(error.value(), std::generic_category(), (folder / name).string());
  return socket;
}

std::string ControlSocket::key_in(const std::filesystem::path&) { return {}; }

bool is_of_administrator(ControlSocket::Protocol::socket& socket) {
  const auto peer = peer_of(socket);
  return peer && (peer->uid == 0 || peer->uid == ::geteuid());
}

std::optional<std::uint32_t> process_at(ControlSocket::Protocol::socket& socket) {
  const auto peer = peer_of(socket);
  if (!peer || peer->pid <= 0) return {};  // 0: of another namespace
  return static_cast<std::uint32_t>(peer->pid);
}

}  // namespace server
