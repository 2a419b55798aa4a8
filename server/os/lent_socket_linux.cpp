#include "server/os/lent_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/loop/succeeds.hpp"

namespace server {
namespace {

bool is_ready(int socket, short what) {
  pollfd watched{socket, what, 0};
  return ::poll(&watched, 1, 0) > 0;
}

}  // namespace

struct LentSocket::Impl {
  explicit Impl(net::io_context& loop) : socket(loop) {}
  net::posix::stream_descriptor socket;
  int handle = no_socket;  // the same one
};

LentSocket::LentSocket(net::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
LentSocket::~LentSocket() = default;

bool LentSocket::watch(SocketHandle socket) noexcept {
  const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return false;
  if (!succeeds([&] { impl_->socket.assign(own); })) {
    ::close(own);
    return false;
  }
  impl_->handle = own;
  return true;
}

void LentSocket::wait_readable(Then then) {
  impl_->socket.async_wait(net::posix::stream_descriptor::wait_read, std::move(then));
}

void LentSocket::wait_writable(Then then) {
  impl_->socket.async_wait(net::posix::stream_descriptor::wait_write, std::move(then));
}

void LentSocket::close() noexcept {
  error_code ignored;
  impl_->socket.close(ignored);
}

bool LentSocket::is_readable() const { return is_ready(impl_->handle, POLLIN); }
bool LentSocket::is_writable() const { return is_ready(impl_->handle, POLLOUT); }

tcp::endpoint LentSocket::local_endpoint() const {
  tcp::endpoint here;
  auto size = static_cast<socklen_t>(here.capacity());
  if (::getsockname(impl_->handle, here.data(), &size) == 0) here.resize(size);
  return here;
}

SocketHandle LentSocket::handle() const { return impl_->handle; }

SocketHandle release(tcp::socket socket) { return socket.release(); }
void close_socket(SocketHandle socket) noexcept { ::close(socket); }
void shut_down(SocketHandle socket) noexcept { ::shutdown(socket, SHUT_RDWR); }

}  // namespace server
