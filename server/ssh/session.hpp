#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/accounts/ssh_handles.hpp"
#include "server/ssh/channels.hpp"
#include "server/ssh/common.hpp"
#include "server/ssh/ending.hpp"
#include "server/ssh/login.hpp"
#include "server/ssh/transport.hpp"

namespace server {

// One SSH connection, from its first byte to its last. Its transport, its login and its channels are classes
// of their own: the session gives them their turns, decides which thread reads, and ends them. Lives on the
// loop; the handlers it waits with hold it.
//
// What a stranger sent is read by a worker, for libssh checks signatures and makes keys while it reads; so
// are later key exchanges, and whatever comes from an address that has cost much. A worker has the transport
// then, and nobody else touches it.
//
// libssh's callbacks only append to buffers. Everything else happens in a turn, which is never entered twice,
// for libssh frees under its own feet when a callback writes (0.10 lacks the upstream fix).
class SshSession final : SshChannel::Connection,
                         public SshTurns::Guest,
                         public std::enable_shared_from_this<SshSession> {
 public:
  // It has gone; nothing is told of it any more. Must not throw.
  using Ended = std::function<void(SshSession&)>;

  SshSession(std::shared_ptr<SshCommon> common, SshPlace place, std::uint64_t number,
             const tcp::endpoint& client, Ended ended);

  // Takes `socket` over. False when libssh refuses it: then stop() is to be called.
  bool start(ssh_bind bind, SocketHandle socket);
  void stop() noexcept;   // the server ends: at once
  void drain() noexcept;  // the server ends: as soon as no file is open

  const SshLogin& login() const { return login_; }
  SshPlace& place() { return place_; }

 private:
  using Polled = SshTransport::Polled;

  std::uint64_t number() const override { return number_; }
  const std::string& address() const override { return client_; }
  const conf::User& user() const override { return *login_.user(); }
  const std::shared_ptr<ConnectionUse>& use() override;
  bool may_send() const override;
  int write(ssh_channel channel, std::span<const std::byte> bytes) override {
    return transport_.write(channel, bytes);
  }
  void go_on() override { wake(); }
  void delivered() override { transport_.delivered(); }
  void when_free(std::move_only_function<void()> then) override;
  void end(std::string why) override;
  void channel_told() override { tell_end(); }
  void starve() noexcept override;
  std::shared_ptr<void> hold() override { return shared_from_this(); }

  void wake() noexcept;
  void take_turn(SshTurns::Time end) noexcept override;
  void service(SshTurns::Time end);
  template <class Work>
  void guard(Work work) noexcept;
  template <class Work>
  void charge(Work work);

  bool may_read() const;
  bool is_a_workers() const;
  void poll_elsewhere();
  void polled(const std::optional<Polled>& polled);
  void poll_here(SshTurns::Time end);
  void note_what_was_heard();

  void handle_messages(SshTurns::Time end);
  void handle(ssh::Message message);
  void log_in(ssh::Message message);
  void count_held();

  bool may_handle() const;
  bool idle() const { return !logging_in_ && channels_.idle(); }
  bool backlogged() const;
  void await_login();
  void watch();
  void tell_end();
  void wind_up() noexcept;

  const std::shared_ptr<SshCommon> common_;
  SshPlace place_;
  const std::uint64_t number_;
  const net::ip::address source_;  // whose turns these are
  const std::string client_;
  Ended ended_;
  net::steady_timer grace_, watch_;
  bool queued_ = false;                   // a turn will come
  bool in_turn_ = false, again_ = false;  // another one is wanted
  bool fresh_ = false;                    // a worker has read, and what came is not worked at yet
  bool away_ = false;                     // a worker has the transport
  std::vector<std::move_only_function<void()>> when_free_;  // has room for each channel
  std::optional<std::string> put_off_;  // the end, until the worker gives the session back
  std::string farewell_;                // what the client is told at the end; empty where it is gone
  std::optional<Ending> ending_;        // its last line, after those of its channels
  ssh::Disconnect code_ = ssh::Disconnect::protocol_error;
  bool short_of_memory_ = false;  // it ends, as soon as no worker has the session
  bool logging_in_ = false;       // a worker judges
  bool over_ = false, wound_up_ = false, draining_ = false;

  SshTransport transport_;
  std::size_t held_ = 0;  // by the transport, as it is counted
  SshLogin login_;
  SshChannels channels_;
  std::shared_ptr<ConnectionUse> use_;  // once it has something
};

}  // namespace server
