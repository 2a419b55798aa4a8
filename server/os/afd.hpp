#pragma once
// For *_windows.cpp alone.
#include <boost/asio/windows/overlapped_ptr.hpp>
#include <boost/asio/windows/random_access_handle.hpp>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "server/loop/net.hpp"
#include "server/loop/reserved_memory.hpp"

namespace server {

// The door to the driver below Winsock, which can be asked when a socket is ready (IOCTL_AFD_POLL), as libuv,
// mio and wepoll do. Its answers come through Asio's own completion port. There is one for each loop, made at
// the first use. Lives on the loop.
class Afd final : public net::execution_context::service {
 public:
  struct Device {
    explicit Device(net::io_context& loop) : handle(loop) {}
    net::windows::random_access_handle handle;
    std::size_t questions = 0;
  };

  static net::execution_context::id id;
  explicit Afd(net::io_context& loop) : service(loop), loop_(loop) {}

  // One that few ask. Throws std::system_error.
  Device& device();

 private:
  void shutdown() override;

  net::io_context& loop_;
  std::vector<std::unique_ptr<Device>> devices_;
};

// Asks when one socket is ready, again and again, one question at a time. Takes its memory when it is made.
// The socket is the caller's. Lives on the loop, which outlives it.
class AfdQuestion {
 public:
  enum Event : unsigned long {
    receive = 0x1,
    send = 0x4,
    disconnect = 0x8,  // the other side sends no more
    abort = 0x10,
    local_close = 0x20,
    accept = 0x80,
    connect_failed = 0x100,
  };
  static constexpr unsigned long readable = receive | disconnect | abort | accept | local_close,
                                 writable = send | abort | connect_failed | local_close;

  // Throws std::system_error.
  AfdQuestion(net::io_context& loop, SocketHandle socket);
  AfdQuestion(const AfdQuestion&) = delete;
  AfdQuestion& operator=(const AfdQuestion&) = delete;
  ~AfdQuestion();

  // Calls then(events, error) on the loop, with no event where there is an error. `then` must keep this
  // object, which must not be asking already.
  template <class Then>
  void ask(unsigned long events, Then then) {
    net::windows::overlapped_ptr operation(
        loop_.get_executor(),
        net::bind_allocator(memory_.allocator(),
                            [this, then = std::move(then)](error_code error, std::size_t) mutable {
                              asked_ = nullptr;
                              then(error || poll_.count == 0 ? 0UL : poll_.handles[0].events, error);
                            }));
    begin(operation, events);
  }
  bool asking() const { return asked_ != nullptr; }
  void cancel() noexcept;  // `then` is called with operation_aborted

 private:
  // As the driver has it.
  struct Poll {
    LARGE_INTEGER timeout;
    ULONG count, exclusive;
    struct {
      HANDLE handle;
      ULONG events;
      LONG status;
    } handles[1];
  };
  void begin(net::windows::overlapped_ptr& operation, unsigned long events);

  net::io_context& loop_;
  Afd::Device& device_;
  const SocketHandle socket_;  // the system's own, below what other programs put on top of it
  const WaitMemory memory_;
  Poll poll_{};
  OVERLAPPED* asked_ = nullptr;
};

// The loop of a socket of Asio's.
inline net::io_context& loop_of(const net::any_io_executor& executor) {
  return static_cast<net::io_context&>(net::query(executor, net::execution::context));
}

}  // namespace server
