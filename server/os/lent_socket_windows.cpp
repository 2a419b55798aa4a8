#include "server/os/lent_socket.hpp"

#include <optional>

#include "server/loop/succeeds.hpp"
#include "server/os/afd.hpp"
#include "server/os/winsock.hpp"

namespace server {
namespace {

bool is_ready(SocketHandle socket, short what) {
  WSAPOLLFD watched{socket, what, 0};
  return ::WSAPoll(&watched, 1, 0) > 0;
}

}  // namespace

// Kept by the questions until they are answered.
struct LentSocket::Impl {
  struct Questions {
    Questions(net::io_context& loop, SocketHandle socket) : to_read(loop, socket), to_write(loop, socket) {}
    AfdQuestion to_read, to_write;
  };

  explicit Impl(net::io_context& io) : loop(io) {}
  ~Impl() { close(); }

  void close() noexcept {
    if (handle == no_socket) return;
    questions->to_read.cancel();
    questions->to_write.cancel();
    ::closesocket(std::exchange(handle, no_socket));
  }

  net::io_context& loop;
  SocketHandle handle = no_socket;
  std::shared_ptr<Questions> questions;
};

LentSocket::LentSocket(net::io_context& loop) : impl_(std::make_unique<Impl>(loop)) {}
LentSocket::~LentSocket() = default;

bool LentSocket::watch(SocketHandle socket) noexcept {
  const auto own = second_handle(socket);
  if (own == no_socket) return false;
  if (!succeeds([&] { impl_->questions = std::make_shared<Impl::Questions>(impl_->loop, own); })) {
    ::closesocket(own);
    return false;
  }
  impl_->handle = own;
  return true;
}

void LentSocket::wait_readable(Then then) {
  auto& questions = impl_->questions;
  questions->to_read.ask(
      AfdQuestion::readable,
      [questions, then = std::move(then)](unsigned long, error_code error) mutable { then(error); });
}

void LentSocket::wait_writable(Then then) {
  auto& questions = impl_->questions;
  questions->to_write.ask(
      AfdQuestion::writable,
      [questions, then = std::move(then)](unsigned long, error_code error) mutable { then(error); });
}

void LentSocket::close() noexcept { impl_->close(); }

bool LentSocket::is_readable() const { return is_ready(impl_->handle, POLLIN); }
bool LentSocket::is_writable() const { return is_ready(impl_->handle, POLLOUT); }

tcp::endpoint LentSocket::local_endpoint() const {
  tcp::endpoint here;
  auto size = static_cast<int>(here.capacity());
  if (::getsockname(impl_->handle, here.data(), &size) == 0) here.resize(static_cast<std::size_t>(size));
  return here;
}

SocketHandle LentSocket::handle() const { return impl_->handle; }

// A socket belongs to Asio's completion port for ever, but none of the calls of other libraries tells it
// anything. tcp::socket::release() takes it away from there: wine cannot, and nothing here asks for it.
SocketHandle release(tcp::socket socket) {
  const auto own = second_handle(socket.native_handle());
  if (own == no_socket)
    throw boost::system::system_error(::WSAGetLastError(), boost::system::system_category());
  return own;
}

void close_socket(SocketHandle socket) noexcept { ::closesocket(socket); }

// A call that waits already does not notice shutdown().
void shut_down(SocketHandle socket) noexcept {
  ::shutdown(socket, SD_BOTH);
  ::CancelIoEx(reinterpret_cast<HANDLE>(socket), nullptr);
}

}  // namespace server
