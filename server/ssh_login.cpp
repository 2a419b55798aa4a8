#include "server/ssh_login.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/authorized_key.hpp"
#include "server/networks.hpp"

// libssh deprecates the questions to an authentication message in favour of callbacks, which must answer at
// once: only a message can wait for a worker's verdict.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace server {
namespace {

constexpr int most_tries = 6;
constexpr int most_requests = 50;  // "none", and keys that a client only offers, are no tries
constexpr int methods = SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_INTERACTIVE;

bool matches(const conf::AuthorizedKey& known, ssh_key offered) {
  ssh_key raw = nullptr;
  const auto type = ssh_key_type_from_name(known.type.c_str());
  if (ssh_pki_import_pubkey_base64(known.base64.c_str(), type, &raw) != SSH_OK) return false;
  const ssh::Key key(raw);
  return ssh_key_cmp(key.get(), offered, SSH_KEY_CMP_PUBLIC) == 0;
}

}  // namespace

SshLogin::SshLogin(Shared& shared, SshLimits& limits, std::uint64_t number, const tcp::endpoint& client)
    : shared_(shared),
      limits_(limits),
      number_(number),
      address_(client.address()),
      client_(address_.to_string()),
      port_(client.port()),
      delay_(shared.loop) {}

void SshLogin::close() {
  closed_ = true;
  delay_.cancel();
}

SshPeer SshLogin::peer(ssh_session session) const {
  return {number_, user_ ? name_ : "", client_, port_, ssh::text(ssh_get_clientbanner(session))};
}

std::optional<event::Offence> SshLogin::offence() const {
  if (user_) return {};
  if (guesses_ > 0) return event::Offence::failed_login;
  // libssh swallows a bad signature without a word: whoever made one is still here at the end of his time.
  const bool late = Clock::now() - began_ >= shared_.settings->ssh.login_grace;
  return late ? event::Offence::login_grace : event::Offence::no_login;
}

bool SshLogin::handle(ssh_session session, ssh::Message message, Done done) {
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
    return check_password(std::move(message), std::move(password), "keyboard-interactive/pam",
                          std::move(done)),
           true;
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

void SshLogin::check_password(ssh::Message message, Secret password, const char* method, Done done) {
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
      [this, message = std::move(message), method,
       done = std::move(done)](const std::optional<Verdict>& verdict) mutable {
        if (verdict && !closed_) {
          return decide(std::move(message), verdict->lookup, {method, verdict->good, true}, std::move(done));
        }
        if (!verdict) hopeless_ = out_of_memory;
        done();
      });
}

void SshLogin::check_key(ssh::Message message, Done done) {
  shared_.disk.run([settings = shared_.settings, &depot = shared_.depot,
                    name = name_] { return find_user(*settings, depot, name); },
                   [this, message = std::move(message),
                    done = std::move(done)](const std::optional<UserLookup>& lookup) mutable {
                     if (lookup && !closed_) return judge_key(std::move(message), *lookup, std::move(done));
                     if (!lookup) hopeless_ = out_of_memory;
                     done();
                   });
}

void SshLogin::judge_key(ssh::Message message, const UserLookup& lookup, Done done) {
  auto* const key = ssh_message_auth_pubkey(message.get());
  const auto state = ssh_message_auth_publickey_state(message.get());
  const auto known = [&](const std::string& line) { return opens(line, key); };
  const bool ours = lookup.user && key && std::ranges::any_of(lookup.user->authorized_keys, known);
  if (ours && state == SSH_PUBLICKEY_STATE_NONE) {
    // Without a signature the client only asks whether it is worth making one.
    ssh_message_auth_reply_pk_ok_simple(message.get());
    return done();
  }
  decide(std::move(message), lookup, {"publickey", ours && state == SSH_PUBLICKEY_STATE_VALID, false},
         std::move(done));
}

bool SshLogin::opens(const std::string& line, ssh_key offered) {
  const auto known = conf::parse_authorized_key(line);
  if (!known || !matches(*known, offered)) return false;
  if (known->admits(plain(address_))) return true;
  shared_.events.emit(event::SshRefused{
      number_, fmt::format("the right key of user {}, which is not permitted from {}: from=\"{}\"", name_,
                           client_, known->from)});
  return false;
}

void SshLogin::decide(ssh::Message message, const UserLookup& lookup, const Try& what, Done done) {
  for (const auto& mistake : lookup.mistakes) shared_.warn_rarely(mistake);
  if (what.good && lookup.user) {
    user_ = lookup.user;
    limits_.logged_in(address_, Clock::now());
    shared_.events.emit(event::LoggedIn{number_, name_, client_, port_, what.method});
    ssh_message_auth_reply_success(message.get(), 0);
    return done();
  }
  shared_.events.emit(event::LoginFailed{number_, name_, client_, port_, what.method});
  if (++tries_ >= most_tries) hopeless_ = "Too many authentication failures";
  // A key that is only shown is no guess: an agent shows all that it has.
  if (!what.guess) return refuse(std::move(message), {}, std::move(done));
  refuse(std::move(message), limits_.failed(address_, ++guesses_, shared_.settings->ssh, Clock::now()),
         std::move(done));
}

// By then the connection may be gone.
void SshLogin::refuse(ssh::Message message, Clock::duration delay, Done done) {
  auto answer = [this, message = std::move(message), done = std::move(done)] {
    if (!closed_ && hopeless_.empty()) deny(message.get());
    done();
  };
  if (delay == Clock::duration{}) return answer();
  delay_.expires_after(delay);
  delay_.async_wait([answer = std::move(answer)](error_code) { answer(); });
}

void SshLogin::deny(ssh_message message) {
  ssh_message_auth_set_methods(message, methods);
  ssh_message_reply_default(message);
}

}  // namespace server
