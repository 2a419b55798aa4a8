#pragma once
#include <functional>
#include <memory>

#include "server/loop/net.hpp"

namespace server {

// A second handle of a connection whose first one is another library's, which closes it when it likes: to
// wait with. Lives on the loop.
class LentSocket {
 public:
  using Then = std::move_only_function<void(error_code)>;

  explicit LentSocket(net::io_context& loop);
  LentSocket(const LentSocket&) = delete;
  LentSocket& operator=(const LentSocket&) = delete;
  ~LentSocket();

  // Makes the handle. False where the system has none left.
  bool watch(SocketHandle socket) noexcept;
  // Each once at a time. `then` is called on the loop.
  void wait_readable(Then then);
  void wait_writable(Then then);
  void close() noexcept;  // ends the waits, with an error

  // Now, without waiting. Any thread, as long as it is not closed.
  bool is_readable() const;
  bool is_writable() const;
  tcp::endpoint local_endpoint() const;
  SocketHandle handle() const;  // the second one, which stays this object's

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Takes a socket that does not block out of Asio's hands, for the caller to close. Throws boost's
// system_error where the system has no handle left.
SocketHandle release(tcp::socket socket);
void close_socket(SocketHandle socket) noexcept;
// Ends a connection that another thread waits for, which sees its end then. Any thread.
void shut_down(SocketHandle socket) noexcept;

}  // namespace server
