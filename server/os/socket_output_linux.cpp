#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>

#include "server/os/socket_output.hpp"

#include "storage/files/file.hpp"

namespace server {

std::size_t send_file(int socket, const storage::File& file, std::uint64_t offset, std::size_t size,
                      std::error_code& error) {
  for (;;) {
    auto at = static_cast<off_t>(offset);
    const auto sent = ::sendfile(socket, file.handle().get(), &at, size);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    const bool full = errno == EAGAIN;
    error = full ? std::make_error_code(std::errc::operation_would_block)
                 : std::error_code(errno, std::system_category());
    return 0;
  }
}

std::optional<std::size_t> unconfirmed_bytes(int socket) {
  int bytes = 0;
  if (::ioctl(socket, SIOCOUTQ, &bytes) != 0 || bytes < 0) return {};
  return static_cast<std::size_t>(bytes);
}

bool is_disconnected(SocketHandle socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

void send_at_once(SocketHandle socket, std::span<const std::byte> bytes) noexcept {
  ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace server
