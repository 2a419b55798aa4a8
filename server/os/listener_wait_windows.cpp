#include "server/os/listener_wait.hpp"

#include "server/os/afd.hpp"

namespace server {

struct ListenerWait::Impl {
  Impl(net::io_context& loop, SocketHandle listener) : question(loop, listener) {}
  AfdQuestion question;

  static void start(const std::shared_ptr<Impl>& impl, Then then) {
    impl->question.ask(AfdQuestion::readable,
                       [impl, then = std::move(then)](unsigned long, error_code) mutable { then(); });
  }
};

ListenerWait::ListenerWait(const net::any_io_executor& loop, SocketHandle listener)
    : impl_(std::make_shared<Impl>(loop_of(loop), listener)) {}
ListenerWait::~ListenerWait() { impl_->question.cancel(); }

void ListenerWait::start(udp::socket&, Then then) { Impl::start(impl_, std::move(then)); }
void ListenerWait::start(tcp::acceptor&, Then then) { Impl::start(impl_, std::move(then)); }
void ListenerWait::start(ControlSocket::Acceptor&, Then then) { Impl::start(impl_, std::move(then)); }

}  // namespace server
