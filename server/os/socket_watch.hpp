#pragma once
#include <chrono>
#include <cstddef>
#include <memory>

#include "server/loop/client_network.hpp"
#include "server/loop/net.hpp"

namespace server {

// Owns a watched socket. `now` is read once for all that are ready at the same time: to read the clock
// takes as long as a hundredth of a block.
class Watched {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `client`: who is at its other end.
  explicit Watched(const net::ip::address& client) : source_(client_network(client)) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // It has something to be read, or room again. False where nothing was there. Ends nobody.
  virtual bool ready(bool readable, bool room, Time now) noexcept = 0;
  // All that were ready at the same time know it by now. Their answers go out together, because packets
  // that come faster than they are taken spare their receiver a wake-up each. May end what it is called on.
  virtual void answer(Time now) noexcept = 0;

  virtual ~Watched() = default;

 private:
  friend class SocketWatch;
  const net::ip::address source_;
  bool queued_ = false;
};

// Tells which of thousands of UDP sockets have a packet. Asio could, but its wait for a socket costs a system
// call (epoll_ctl) a packet, a tenth of what a block in lockstep costs. So on Linux the sockets have an epoll
// of their own, and Asio waits for that. On Windows Asio's wait takes a thread: there the driver of the
// sockets is asked (server/os/afd). Lives on the loop.
class SocketWatch {
 public:
  explicit SocketWatch(net::io_context& loop);
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;
  ~SocketWatch();

  // Until remove(), `watched` is told when there is something to read. The handle and `watched` are the
  // caller's.
  void add(SocketHandle handle, Watched& watched);
  void remove(SocketHandle handle);
  void also_for_room(SocketHandle handle, bool wanted);

  // It has more to send than one answer may: answer() is called again, when others have had their turn.
  // remove() forgets that; who has no handle of its own here says forget() before it goes.
  void again(Watched& watched);
  void forget(Watched& watched) noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace server
