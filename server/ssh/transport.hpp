#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "server/accounts/ssh_handles.hpp"
#include "server/os/lent_socket.hpp"
#include "server/ssh/disconnect.hpp"
#include "server/ssh/negotiation.hpp"

namespace server {

// The transport of one SSH connection (RFC 4253): libssh's session and its socket. Moves bytes between the
// two, and knows how much came and how far the key exchange is. Belongs to its SshSession.
//
// Lives on the loop, but a worker may poll. libssh's session is that worker's until the poll is noted, and
// nobody else calls anything here meanwhile; waits that were begun before end on the loop all the same.
class SshTransport {
 public:
  // A wait has ended: `ready` is called on the loop.
  SshTransport(net::io_context& loop, std::function<void()> ready);
  SshTransport(const SshTransport&) = delete;
  SshTransport& operator=(const SshTransport&) = delete;
  ~SshTransport();

  // Takes `socket` over. False when libssh refuses it. New keys are made after `rekey_limit` bytes.
  bool start(ssh_bind bind, SocketHandle socket, std::optional<std::uint64_t> rekey_limit);
  // Sends a DISCONNECT with `farewell` in it, and ends the waits.
  void close(ssh::Disconnect code, const std::string& farewell) noexcept;

  struct Polled {
    enum class Result { nothing, moved, dead } result;
    std::chrono::steady_clock::duration time;  // that it took
  };
  // Lets libssh write and read once, without waiting. Any thread, which hears libssh by an Ear; what comes
  // back is to be noted on the loop.
  Polled poll();
  void note(const Polled& polled);
  // Whether a poll may move something. Unless the connection `may_read`, only what libssh still has to write.
  bool wants_poll(bool may_read) const;
  // Waits until one may. `hold` keeps this object until then.
  void wait(bool may_read, const std::shared_ptr<void>& hold);

  // As ssh_channel_write().
  int write(ssh_channel channel, std::span<const std::byte> bytes);
  // After whatever else makes libssh read, as each answer does.
  void measure();

  ssh_session session() const { return session_.get(); }
  SshNegotiation& negotiation() { return negotiation_; }
  const SshNegotiation& negotiation() const { return negotiation_; }
  // True once, when the first keys are in use.
  bool is_newly_encrypted() { return negotiation_.complete() && !std::exchange(encrypted_, true); }
  bool pending() const;  // libssh has something to write
  bool readable() const { return socket_.is_readable(); }
  bool dead() const { return dead_ || closed(); }
  std::string error() const;  // libssh's last one
  tcp::endpoint local_endpoint() const { return socket_.local_endpoint(); }

  std::uint64_t packets() const { return packets_.in_packets; }     // that came
  std::uint64_t packet_bytes() const { return packets_.in_bytes; }  // of them
  std::uint64_t sent() const { return bytes_.out_bytes; }           // bytes on the socket
  std::size_t unfinished() const {
    return bytes_.in_bytes - whole_bytes_;
  }                          // of a packet whose end has not come
  std::size_t kept() const;  // bytes, by libssh's buffers for what comes

 private:
  bool begin();
  bool closed() const;
  bool wants_room() const;
  void waited(bool& waits, error_code error);

  const std::function<void()> ready_;
  LentSocket socket_;                       // libssh's
  bool reading_ = false, writing_ = false;  // a wait is under way
  bool want_poll_ = true;                   // there may be something to read or room to write
  bool dead_ = false;                       // so libssh said
  bool encrypted_ = false;
  // libssh's own: of packets, and of bytes on the socket.
  ssh_counter_struct packets_{}, bytes_{};
  std::uint64_t whole_packets_ = 0, whole_bytes_ = 0;  // at the last look that found a new packet
  std::size_t most_unfinished_ = 0;
  ssh::Session session_;
  ssh::Event event_;
  SshNegotiation negotiation_;
};

}  // namespace server
