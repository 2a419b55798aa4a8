#pragma once
#include <functional>
#include <memory>

#include "server/loop/net.hpp"
#include "server/os/control_socket.hpp"

namespace server {

// Waits until a listening socket has a packet or a connection, again and again, and takes no memory that
// there may not be: who stopped to listen would be deaf until a restart. Linux: Asio's wait. On Windows that
// one fails at once for TCP, and takes a thread for UDP; there the driver of the sockets is asked. Lives on
// the loop.
class ListenerWait {
 public:
  using Then = std::move_only_function<void()>;

  template <class Socket>
  explicit ListenerWait(Socket& listener) : ListenerWait(listener.get_executor(), listener.native_handle()) {}
  ListenerWait(const ListenerWait&) = delete;
  ListenerWait& operator=(const ListenerWait&) = delete;
  ~ListenerWait();

  // For the socket that this was made for, once at a time. `then` is called on the loop, and when the socket
  // was closed, too. With up to three pointers in it, it takes no memory of its own.
  void start(udp::socket& listener, Then then);
  void start(tcp::acceptor& listener, Then then);
  void start(ControlSocket::Acceptor& listener, Then then);

 private:
  ListenerWait(const net::any_io_executor& loop, SocketHandle listener);
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace server
