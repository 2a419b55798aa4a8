#include "server/ssh_login.hpp"

#include <fmt/format.h>

#include <algorithm>

// libssh deprecates the questions to an authentication message in favour of callbacks, which must answer at once: only
// a message can wait for a worker's verdict.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace server {
namespace {

constexpr int most_tries = 6;
constexpr int most_requests = 50;  // "none", and keys that a client only offers, are no tries
constexpr int methods = SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_INTERACTIVE;
constexpr auto out_of_memory = "the server is short of memory";

bool matches(const std::string& line, ssh_key offered) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return false;
  const auto type = ssh_key_type_from_name(line.substr(0, space).c_str());
  const auto base64 = line.substr(space + 1, line.find(' ', space + 1) - space - 1);
  ssh_key raw = nullptr;
  if (ssh_pki_import_pubkey_base64(base64.c_str(), type, &raw) != SSH_OK) return false;
  const ssh::Key key(raw);
  return ssh_key_cmp(key.get(), offered, SSH_KEY_CMP_PUBLIC) == 0;
}

}  // namespace

bool SshLogin::handle(ssh_session session, ssh::Message message, std::function<void()> done) {
  auto* const m = message.get();
  if (user_) return deny(m), false;
  if (++requests_ > most_requests) return hopeless_ = fmt::format("{} requests to log in", requests_), false;
  const int subtype = ssh_message_subtype(m);
  const bool answer = subtype == SSH_AUTH_METHOD_INTERACTIVE && ssh_message_auth_kbdint_is_response(m);
  // libssh makes up the message of a keyboard-interactive answer, and leaves the user out.
  if (const auto name = answer ? name_ : ssh::text(ssh_message_auth_user(m)); name_.empty()) {
    name_ = name;
  } else if (name != name_) {
    return hopeless_ = "the client changed its user name", false;
  }
  if (answer) {
    const bool one = ssh_userauth_kbdint_getnanswers(session) == 1;
    Secret password(one ? ssh::text(ssh_userauth_kbdint_getanswer(session, 0)) : "");
    return check_password(std::move(message), std::move(password), "keyboard-interactive/pam", std::move(done)), true;
  }
  switch (subtype) {
    case SSH_AUTH_METHOD_PASSWORD: {
      Secret password(ssh::text(ssh_message_auth_password(m)));
      return check_password(std::move(message), std::move(password), "password", std::move(done)), true;
    }
    case SSH_AUTH_METHOD_PUBLICKEY:
      return check_key(std::move(message), std::move(done)), true;
    case SSH_AUTH_METHOD_INTERACTIVE: {
      const char* prompt = "Password: ";
      char echo = 0;
      return ssh_message_auth_interactive_request(m, "", "", 1, &prompt, &echo), false;
    }
    default:
      return deny(m), false;  // "none": asks for the methods, and is no try
  }
}

void SshLogin::check_password(ssh::Message message, Secret password, const char* method, std::function<void()> done) {
  struct Verdict {
    UserLookup lookup;
    bool good;
  };
  shared_.hashing.run(
      [settings = shared_.settings, &depot = shared_.depot, name = name_, secret = std::move(password)] {
        auto lookup = find_user(*settings, depot, name);
        const bool good = verify_password(secret.text(), lookup.user ? lookup.user->password_hash : "");
        return Verdict{std::move(lookup), good};
      },
      [this, message = std::move(message), method, done = std::move(done)](const std::optional<Verdict>& verdict) {
        if (!verdict) {
          hopeless_ = out_of_memory;
        } else if (!closed_) {
          decide(message, verdict->lookup, verdict->good, method);
        }
        done();
      });
}

void SshLogin::check_key(ssh::Message message, std::function<void()> done) {
  shared_.disk.run([settings = shared_.settings, &depot = shared_.depot,
                    name = name_] { return find_user(*settings, depot, name); },
                   [this, message = std::move(message), done = std::move(done)](const std::optional<UserLookup>& lookup) {
                     if (!lookup) {
                       hopeless_ = out_of_memory;
                     } else if (!closed_) {
                       judge_key(message, *lookup);
                     }
                     done();
                   });
}

void SshLogin::judge_key(const ssh::Message& message, const UserLookup& lookup) {
  auto* const key = ssh_message_auth_pubkey(message.get());
  const auto state = ssh_message_auth_publickey_state(message.get());
  const auto known = [key](const std::string& line) { return matches(line, key); };
  const bool ours = lookup.user && key && std::ranges::any_of(lookup.user->authorized_keys, known);
  if (ours && state == SSH_PUBLICKEY_STATE_NONE) {
    // Without a signature the client only asks whether it is worth making one.
    ssh_message_auth_reply_pk_ok_simple(message.get());
    return;
  }
  decide(message, lookup, ours && state == SSH_PUBLICKEY_STATE_VALID, "publickey");
}

void SshLogin::decide(const ssh::Message& message, const UserLookup& lookup, bool good, const char* method) {
  if (!lookup.problem.empty()) shared_.events.emit(event::Warned{lookup.problem});
  if (good && lookup.user) {
    user_ = lookup.user;
    shared_.events.emit(event::LoggedIn{number_, name_, client_, port_, method});
    ssh_message_auth_reply_success(message.get(), 0);
    return;
  }
  shared_.events.emit(event::LoginFailed{number_, name_, client_, port_, method});
  if (++tries_ >= most_tries) {
    hopeless_ = fmt::format("{} failed logins", tries_);
  } else {
    deny(message.get());
  }
}

void SshLogin::deny(ssh_message message) {
  ssh_message_auth_set_methods(message, methods);
  ssh_message_reply_default(message);
}

}  // namespace server
