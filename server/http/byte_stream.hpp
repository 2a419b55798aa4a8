#pragma once
#include <openssl/types.h>

#include <boost/asio/ssl/context.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "server/loop/net.hpp"

namespace server::http {

// A TCP connection that never blocks, with TLS or without. Owns its socket. One thread at a time: the loop,
// or for a handshake the worker that does it.
class ByteStream {
 public:
  enum class State { fine, wants_read, wants_write, closed, failed };
  struct Step {
    State state = State::fine;
    std::size_t bytes = 0;
  };

  // Without `context` there is no TLS.
  ByteStream(tcp::socket socket, std::shared_ptr<net::ssl::context> context);

  bool is_tls() const { return ssl_ != nullptr; }
  State shake_hands();  // costs a signature: for a worker
  Step read(std::span<std::byte> into);
  Step write(std::span<const std::byte> bytes);
  void end_sending();  // the other side sees the end
  tcp::socket& socket() { return socket_; }
  SocketHandle handle() const { return handle_; }
  // The next byte, which stays; nothing where none is there.
  std::optional<std::byte> peek();
  // For another one to go on with, after which this one is of no use. The TLS is the caller's to free.
  tcp::socket take_socket() { return std::move(socket_); }
  SSL* take_tls() { return ssl_.release(); }

 private:
  struct Free {
    void operator()(SSL* ssl) const;
  };
  State state_after(int result);

  tcp::socket socket_;
  const SocketHandle handle_;
  std::shared_ptr<net::ssl::context> context_;
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace server::http
