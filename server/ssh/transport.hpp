#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/accounts/ssh_handles.hpp"
#include "server/os/lent_socket.hpp"
#include "server/ssh/chatter.hpp"
#include "server/ssh/disconnect.hpp"
#include "server/ssh/negotiation.hpp"
#include "server/ssh/patience.hpp"

namespace server {

// The transport of one SSH connection (RFC 4253): libssh's session and its socket. It moves bytes between the
// two, keeps the messages that libssh reads until the connection takes them, counts packets, and knows how
// far the key exchange is. Its SshSession owns it.
//
// It lives on the loop, except that a worker may call poll(): until the loop notes the result, libssh's
// session is that worker's, and nothing else here may be called; only waits that began before may end
// meanwhile. libssh's callbacks run on the thread that makes libssh read, and only append to buffers.
class SshTransport {
 public:
  // `ready` is called on the loop, when wait() has something to report.
  SshTransport(net::io_context& loop, std::function<void()> ready);
  SshTransport(const SshTransport&) = delete;
  SshTransport& operator=(const SshTransport&) = delete;
  ~SshTransport();

  // Takes `socket` over. False when libssh refuses it. After `rekey_limit` bytes libssh asks for new keys.
  bool start(ssh_bind bind, SocketHandle socket, std::optional<std::uint64_t> rekey_limit);
  // Sends a DISCONNECT with `farewell` in it, and ends the waits.
  void close(ssh::Disconnect code, const std::string& farewell) noexcept;

  struct Polled {
    enum class Result { nothing, moved, dead } result;
    std::chrono::steady_clock::duration time;  // that it took
  };
  // Lets libssh write and read once, without waiting. Any thread may call it, with an Ear on the negotiation;
  // the loop notes the result.
  Polled poll();
  void note(const Polled& polled);
  // Whether a poll may move something. Unless the connection `may_read`, a poll only writes what is pending.
  bool wants_poll(bool may_read) const;
  // Waits until a poll may move something. `hold` keeps this object until then.
  void wait(bool may_read, const std::shared_ptr<void>& hold);

  // As ssh_channel_write().
  int write(ssh_channel channel, std::span<const std::byte> bytes);
  // After whatever else makes libssh read, as each answer does.
  void measure();

  // How many messages wait, and the oldest one of them.
  std::size_t messages() const { return inbox_.size(); }
  ssh::Message take_message();
  bool inbox_is_full() const;  // nothing should be written that makes libssh read more of them
  // The user names of those requests to log in that libssh has refused by itself since the last call.
  std::vector<std::string> take_refused() { return std::exchange(gssapi_, {}); }
  // A packet of data has reached its channel. On the thread that reads.
  void delivered();
  // The message that was taken last serves no purpose, and counts as if libssh had dropped it.
  void discount() { --taken_; }

  ssh_session session() const { return session_.get(); }
  SshNegotiation& negotiation() { return negotiation_; }
  const SshNegotiation& negotiation() const { return negotiation_; }
  // True once, when the first keys are in use.
  bool is_newly_encrypted() { return negotiation_.complete() && !std::exchange(encrypted_, true); }
  // The kernel has taken all that was written, and no key exchange is under way.
  bool may_write() const { return negotiation_.complete() && !pending(); }
  bool readable() const { return socket_.is_readable(); }
  bool dead() const { return dead_ || closed(); }
  std::string error() const;  // libssh's last error
  tcp::endpoint local_endpoint() const { return socket_.local_endpoint(); }

  std::uint64_t packets() const { return packets_.in_packets; }  // that came
  // Bytes: of messages and of a long packet whose end has not come; and of libssh's buffers for input.
  std::size_t held() const;
  std::size_t kept() const;

  // Why the connection must end, if it must, because of what the client has sent. Asked before that is
  // handled.
  std::optional<std::string> misconduct(bool logged_in);
  // The same, because the client stands still. Asked at least every half minute.
  std::optional<std::string> standstill(bool logged_in);

 private:
  struct Waiting {
    ssh::Message message;
    std::size_t size;  // about
  };

  static int on_message(ssh_session, ssh_message message, void* self) noexcept;
  static ssh_string on_gssapi(ssh_session, const char* user, int, ssh_string*, void* self) noexcept;
  bool begin();
  bool pending() const;  // libssh has something to write
  bool closed() const;
  bool wants_room() const;
  std::size_t unfinished() const {  // bytes, of a packet whose end has not come
    return bytes_.in_bytes - whole_bytes_;
  }
  void waited(bool& waits, error_code error);

  const std::function<void()> ready_;
  LentSocket socket_;                       // libssh's
  bool reading_ = false, writing_ = false;  // a wait is under way
  bool want_poll_ = true;                   // there may be something to read or room to write
  bool dead_ = false;                       // so libssh said
  bool encrypted_ = false;                  // is_newly_encrypted() has said so
  // libssh's own: of packets, and of bytes on the socket.
  ssh_counter_struct packets_{}, bytes_{};
  std::uint64_t taken_ = 0;                            // packets that reached us
  std::uint64_t taken_bytes_ = 0;                      // of all packets, up to the last of these
  std::uint64_t whole_packets_ = 0, whole_bytes_ = 0;  // at the last look that found a new packet
  std::size_t most_unfinished_ = 0;
  ssh_server_callbacks_struct callbacks_{};
  ssh::Session session_;
  ssh::Event event_;
  std::deque<Waiting> inbox_;
  std::size_t inbox_bytes_ = 0;
  std::vector<std::string> gssapi_;  // as take_refused() returns them
  bool starved_ = false;             // a callback had no memory
  SshNegotiation negotiation_;
  SshChatter chatter_;
  SshPatience patience_;
};

}  // namespace server
