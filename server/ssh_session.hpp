#pragma once
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/shared.hpp"
#include "server/ssh_channel.hpp"
#include "server/ssh_handles.hpp"
#include "server/ssh_login.hpp"
#include "server/ssh_negotiation.hpp"

namespace server {

// One SSH connection, from its first byte to its last: libssh carries transport and authentication, what runs
// on its channels is ours. Lives on the loop; the handlers it waits with hold it. While keys are exchanged
// libssh's session is a worker's whenever there is something to do for it, and nobody else touches it then.
//
// libssh's callbacks only append to buffers. Everything else happens in service(), which is never entered
// twice, for libssh frees under its own feet when a callback writes (0.10 lacks the upstream mend).
class SshSession final : SshChannel::Connection, public std::enable_shared_from_this<SshSession> {
 public:
  using Ended = std::function<void(SshSession*)>;

  SshSession(Shared& shared, SshLimits& limits, std::uint64_t number, const tcp::endpoint& client,
             Ended ended);
  ~SshSession();

  // Takes `fd` over. False when libssh refuses it.
  bool start(ssh_bind bind, int fd);
  void stop();   // the server ends: at once
  void drain();  // the server ends: as soon as no file is open
  const SshLogin& login() const { return login_; }

 private:
  std::uint64_t number() const override { return number_; }
  const std::string& address() const override { return client_; }
  const conf::User& user() const override { return *login_.user(); }
  const std::shared_ptr<ConnectionUse>& use() const override { return use_; }
  bool may_send() const override;
  void go_on() override { service(); }
  void when_free(std::move_only_function<void()> then) override;
  void end(std::string why) override;
  std::shared_ptr<void> hold() override { return shared_from_this(); }

  void negotiate();
  void negotiated(std::optional<bool> alive);
  bool begin();
  void service();
  bool exchange();
  bool closed() const;
  void take_messages();
  void handle(ssh::Message message);
  void log_in(ssh::Message message);
  void await_login();
  void open_channel(ssh_message message);
  void channel_request(ssh::Message message);
  void refuse(ssh_message message, std::string what);
  bool serve_channels();

  bool idle() const;
  bool backlogged() const;
  void arm();

  Shared& shared_;
  const std::uint64_t number_;
  const std::string client_;
  Ended ended_;
  net::posix::stream_descriptor socket_;  // a duplicate: libssh closes its own when it likes
  net::steady_timer grace_;
  bool reading_ = false, writing_ = false;  // a wait is under way
  bool negotiating_ = false;                // a worker has the session
  std::vector<std::move_only_function<void()>> when_free_;
  std::optional<std::string> put_off_;  // the end, until the worker gives the session back
  bool told_ = false;                   // of the first exchange's algorithms
  bool logging_in_ = false;             // a worker judges
  bool in_service_ = false, over_ = false, draining_ = false;

  ssh_counter_struct packets_{};
  ssh::Session session_;
  ssh::Event event_;
  SshLogin login_;
  SshNegotiation negotiation_;
  std::list<std::shared_ptr<SshChannel>> channels_;
  std::shared_ptr<ConnectionUse> use_;  // once it has a channel
  ToldOnce refused_{100};
};

}  // namespace server
