#include "server/os/listener_wait.hpp"

#include "server/loop/reserved_memory.hpp"

namespace server {

struct ListenerWait::Impl {
  const WaitMemory memory;

  template <class Socket>
  void start(Socket& listener, Then then) {
    listener.async_wait(
        Socket::wait_read,
        net::bind_allocator(memory.allocator(), [then = std::move(then)](error_code) mutable { then(); }));
  }
};

ListenerWait::ListenerWait(const net::any_io_executor&, SocketHandle) : impl_(std::make_shared<Impl>()) {}
ListenerWait::~ListenerWait() = default;

void ListenerWait::start(udp::socket& listener, Then then) { impl_->start(listener, std::move(then)); }
void ListenerWait::start(tcp::acceptor& listener, Then then) { impl_->start(listener, std::move(then)); }
void ListenerWait::start(ControlSocket::Acceptor& listener, Then then) {
  impl_->start(listener, std::move(then));
}

}  // namespace server
