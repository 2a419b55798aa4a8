#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/accounts/password.hpp"
#include "server/accounts/ssh_handles.hpp"
#include "server/ssh/common.hpp"
#include "server/ssh/ending.hpp"

namespace server {

// Finds out who is at the other end of one SSH connection: answers libssh's authentication messages, and has
// passwords and keys judged by workers. The answer to a failed try is held back, longer each time. Belongs to
// its session; on the loop.
class SshLogin {
 public:
  // Methods that clients are told of.
  static constexpr int methods =
      SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_INTERACTIVE;

  SshLogin(SshCommon& common, SshPlace& place, std::uint64_t number, const tcp::endpoint& client);

  // True when the answer has to wait: then `done` is called on the loop, and keeps the session until that.
  bool handle(ssh_session session, ssh::Message message, std::function<void()> done);
  // What libssh has answered by itself: a request for a method that is not offered,
  void refused_by_libssh(const std::string& name);
  // and a wrong signature, which gets no answer at all.
  void forged(const std::string& name);
  void close();  // the connection is gone: nothing is answered any more

  const std::optional<conf::User>& user() const { return user_; }  // once logged in
  const std::string& name() const { return name_; }                // that the client gave itself
  const std::string& hopeless() const {
    return hopeless_;
  }  // why the connection must end; empty while it need not
  SshPeer peer(ssh_session session) const;
  // What is to be held against the address of a connection that has ended.
  std::optional<event::Offence> offence() const;

 private:
  using Clock = SshLimits::Clock;
  using Done = std::function<void()>;
  struct Try {
    const char* method;
    bool good;
    bool guess;            // something secret was offered
    std::string key = {};  // as in event::LoggedIn
    bool barred = false;
  };
  struct KeyVerdict {
    UserLookup lookup;
    bool opens = false;
    std::vector<std::string> barred;  // from="..." of right keys that are not permitted from here
  };

  void starve() noexcept;
  bool counts(const std::string& name);
  bool is_judged(const char* method, ssh::Message& message, Done& done);
  void check_password(ssh::Message message, Secret password, const char* method, Done done);
  void check_key(ssh::Message message, Done done);
  void judge_key(ssh::Message message, const KeyVerdict& verdict, Done done);
  void decide(ssh::Message message, const UserLookup& lookup, const Try& what, Done done);
  void tell_failed(const char* method, event::LoginFault fault, std::string key = {},
                   std::string similar = {});
  void refuse(ssh::Message message, Clock::duration delay, Done done);
  template <class Judge>
  void conclude(const Done& done, Judge judge);
  static void deny(ssh_message message);

  SshCommon& common_;
  SshPlace& place_;
  const std::uint64_t number_;
  const net::ip::address address_;
  const std::string client_;
  const std::uint16_t port_;
  const Clock::time_point began_ = Clock::now();
  net::steady_timer delay_;
  std::string name_, hopeless_;
  std::string shown_key_;  // the one that may open, and was asked about last
  std::optional<conf::User> user_;
  bool crowded_ = false;  // was refused for his other sessions, which is no offence
  int tries_ = 0, guesses_ = 0;
  int requests_ = 0;  // answered or not
  bool closed_ = false;
};

}  // namespace server
