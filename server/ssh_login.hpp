#pragma once
#include <functional>
#include <optional>
#include <string>

#include "server/password.hpp"
#include "server/shared.hpp"
#include "server/ssh_handles.hpp"
#include "server/users.hpp"

namespace server {

// Finds out who is at the other end of one SSH connection: answers libssh's authentication messages, and has passwords
// judged by a worker. Belongs to its session; on the loop.
class SshLogin {
 public:
  SshLogin(Shared& shared, std::uint64_t number, std::string client, std::uint16_t port)
      : shared_(shared), number_(number), client_(std::move(client)), port_(port) {}

  // True when the answer has to wait for a worker: then `done` is called on the loop, and keeps the session until that.
  bool handle(ssh_session session, ssh::Message message, std::function<void()> done);
  void close() { closed_ = true; }  // the connection is gone: nothing is answered any more

  const std::optional<conf::User>& user() const { return user_; }  // once logged in
  const std::string& name() const { return name_; }                // that the client gave itself
  const std::string& hopeless() const { return hopeless_; }        // why the connection must end; empty while it need not

 private:
  void check_password(ssh::Message message, Secret password, const char* method, std::function<void()> done);
  void check_key(ssh::Message message, std::function<void()> done);
  void judge_key(const ssh::Message& message, const UserLookup& lookup);
  void decide(const ssh::Message& message, const UserLookup& lookup, bool good, const char* method);
  static void deny(ssh_message message);

  Shared& shared_;
  const std::uint64_t number_;
  const std::string client_;
  const std::uint16_t port_;
  std::string name_, hopeless_;
  std::optional<conf::User> user_;
  int tries_ = 0;
  int requests_ = 0;  // answered or not
  bool closed_ = false;
};

}  // namespace server
