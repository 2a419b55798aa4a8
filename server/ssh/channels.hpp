#pragma once
#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "server/loop/told_once.hpp"
#include "server/ssh/channel.hpp"
#include "server/ssh/common.hpp"

namespace server {

class SshLogin;
class SshTransport;

// The channels of one SSH connection (RFC 4254 5). Opens them, starts SFTP or SCP on each, refuses whatever
// else a client asks of them, and gives them their turns. Its SshSession owns it. Lives on the loop; what
// answers or serves is called in the session's turns only, outside of libssh's callbacks.
class SshChannels {
 public:
  SshChannels(SshCommon& common, SshChannel::Connection& connection, const SshTransport& transport,
              const SshLogin& login);

  // Answers a client that wants to open a channel,
  void open(ssh_message message);
  // and one that asks for something on a channel.
  void request(ssh::Message message);

  // Serves each in turn until `end`, and goes on there the next time. True when one has more to do at once.
  bool serve(SshTurns::Time end);

  std::size_t size() const { return channels_.size(); }
  // What SshChannel says of one, of all of them:
  bool idle() const { return std::ranges::all_of(channels_, &SshChannel::idle); }
  bool detach(protocols::Cause cause, std::string_view why) noexcept;
  void count_held();
  std::size_t kept() const;
  // and of any.
  bool busy() const { return std::ranges::any_of(channels_, &SshChannel::busy); }
  bool tells() const { return std::ranges::any_of(channels_, &SshChannel::tells); }

 private:
  std::size_t open_now();
  void refuse(ssh_message message, std::string what, bool usual = false);
  void tell_refused(std::string what, bool usual = false);
  std::string only_files() const;

  SshCommon& common_;
  SshChannel::Connection& connection_;
  const SshTransport& transport_;
  const SshLogin& login_;
  std::list<std::shared_ptr<SshChannel>> channels_;
  ToldOnce refused_{100};
};

}  // namespace server
