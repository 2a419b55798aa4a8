#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "server/os/log_socket.hpp"

namespace server {
namespace {

int new_socket() { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

constexpr auto longest_path = sizeof sockaddr_un::sun_path - 1;

std::string fitting(std::string path) {
  if (path.size() <= longest_path) return path;
  throw std::system_error(
      std::make_error_code(std::errc::filename_too_long),
      fmt::format("cannot log to {}: a socket's path has at most {} bytes", path, longest_path));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, longest_path);
  return address;
}

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

LogSocket::LogSocket(std::string path) : path_(fitting(std::move(path))), socket_(new_socket()) {
  if (socket_ < 0) throw std::system_error(last_error(), "cannot make a socket for the log");
}

LogSocket::~LogSocket() { ::close(socket_); }

std::error_code LogSocket::reach() const {
  const int probe = new_socket();
  if (probe < 0) return last_error();
  const auto address = address_of(path_);
  const int failed = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const auto error = failed == 0 ? std::error_code() : last_error();
  ::close(probe);
  return error;
}

std::error_code LogSocket::send(std::string_view record) const {
  const auto address = address_of(path_);
  for (;;) {
    const auto sent = ::sendto(socket_, record.data(), record.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent >= 0) return {};
    if (errno != EINTR) return last_error();
  }
}

}  // namespace server
