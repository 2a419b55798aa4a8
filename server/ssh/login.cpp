#include "server/ssh/login.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/ssh.hpp"
#include "server/events/warning.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/networks.hpp"
#include "server/ssh/key_answer.hpp"

// libssh deprecates the questions to an authentication message in favour of callbacks, which must answer at
// once: only a message can wait for a worker's verdict.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr int most_tries = 6;
constexpr int most_requests = 50;  // "none", and keys that a client only offers, are no tries
constexpr std::size_t longest_name = 1024;
constexpr const char* publickey = "publickey";
constexpr auto too_many_tries = "Too many authentication failures";

// In OpenSSH's words: "ED25519 SHA256:...". Empty for none.
std::string key_text(ssh_key key) {
  const auto fingerprint = ssh::fingerprint(key);
  if (fingerprint.empty()) return {};
  const auto type = ssh_key_type(key);
  const auto* const word = type == SSH_KEYTYPE_ED25519 ? "ED25519"
                           : type == SSH_KEYTYPE_RSA   ? "RSA"
                                                       : "ECDSA";
  return fmt::format("{} {}", word, fingerprint);
}

// Of a try that was judged.
event::LoginFault fault(const UserLookup& lookup, bool by_key, bool barred, bool good) {
  using enum event::LoginFault;
  if (!lookup.user) return lookup.similar.empty() ? unknown_user : other_case;
  if (good) return no_sftp;
  if (!by_key) return lookup.user->user.password_hash.empty() ? no_password : wrong_password;
  if (barred) return barred_key;
  return lookup.user->user.authorized_keys.empty() ? no_keys : other_key;
}

}  // namespace

SshLogin::SshLogin(SshCommon& common, SshPlace& place, std::uint64_t number, const tcp::endpoint& client)
    : common_(common),
      place_(place),
      number_(number),
      address_(client.address()),
      client_(address_.to_string()),
      port_(client.port()),
      delay_(common.loop) {
  hopeless_.reserve(std::string_view(out_of_memory).size());
}

// Takes no memory, for there is none.
void SshLogin::starve() noexcept {
  if (hopeless_.empty()) hopeless_ = out_of_memory;
}

void SshLogin::close() {
  closed_ = true;
  delay_.cancel();
}

SshPeer SshLogin::peer(ssh_session session) const {
  return {number_, user_ ? name_ : "", client_, port_, ssh::text(ssh_get_clientbanner(session))};
}

std::optional<event::Offence> SshLogin::offence() const {
  if (user_ || crowded_) return {};
  if (guesses_ > 0) return event::Offence::failed_login;
  const bool late = Clock::now() - began_ >= common_.settings->ssh.login_grace;
  return late ? event::Offence::login_grace : event::Offence::no_login;
}

// False when the connection must end.
bool SshLogin::counts(const std::string& name) {
  if (++requests_ > most_requests) {
    hopeless_ = fmt::format("{} requests to log in", requests_);
    return false;
  }
  if (name.size() > longest_name) {
    hopeless_ = fmt::format("a user name of {} bytes", name.size());
    return false;
  }
  if (name_.empty()) {
    name_ = name;
  } else if (name != name_) {
    hopeless_ = "the client changed its user name";
    return false;
  }
  return true;
}

void SshLogin::refused_by_libssh(const std::string& name) {
  if (!user_) counts(name);
}

void SshLogin::forged(const std::string& name) {
  if (user_ || !counts(name)) return;
  tell_failed(publickey, event::LoginFault::wrong_signature, shown_key_);
  ++guesses_;
  if (++tries_ >= most_tries) hopeless_ = too_many_tries;
}

bool SshLogin::handle(ssh_session session, ssh::Message message, Done done) {
  auto* const m = message.get();
  if (user_) {
    deny(m);
    return false;
  }
  const int subtype = ssh_message_subtype(m);
  const bool answer = subtype == SSH_AUTH_METHOD_INTERACTIVE && ssh_message_auth_kbdint_is_response(m);
  // libssh makes up the message of a keyboard-interactive answer, and leaves the user out.
  if (!counts(answer ? name_ : ssh::text(ssh_message_auth_user(m)))) return false;
  if (answer) {
    const bool one = ssh_userauth_kbdint_getnanswers(session) == 1;
    Secret password(one ? ssh::text(ssh_userauth_kbdint_getanswer(session, 0)) : "");
    check_password(std::move(message), std::move(password), "keyboard-interactive/pam", std::move(done));
    return true;
  }
  switch (subtype) {
    case SSH_AUTH_METHOD_PASSWORD: {
      Secret password(ssh::text(ssh_message_auth_password(m)));
      check_password(std::move(message), std::move(password), "password", std::move(done));
      return true;
    }
    case SSH_AUTH_METHOD_PUBLICKEY: {
      check_key(std::move(message), std::move(done));
      return true;
    }
    case SSH_AUTH_METHOD_INTERACTIVE: {
      const char* prompt = "Password: ";
      char echo = 0;
      ssh_message_auth_interactive_request(m, "", "", 1, &prompt, &echo);
      return false;
    }
    default: {
      deny(m);
      return false;
    }  // "none": asks for the methods, and is no try
  }
}

// While its address is refused for others' failures, an account that has not logged in there is not judged:
// else others could guess at it there, and nobody would notice.
bool SshLogin::is_judged(const char* method, ssh::Message& message, Done& done) {
  const auto now = Clock::now();
  if (common_.limits.judges(address_, name_, now)) return true;
  tell_failed(method, event::LoginFault::not_judged,
              method == publickey ? key_text(ssh_message_auth_pubkey(message.get())) : "");
  common_.events.warn_rarely(
      Warning::logins,
      "logins of accounts that have not logged in from their address within the hour are refused there, "
      "because of too many failures: ssh.trusted lists networks that are spared");
  if (++tries_ >= most_tries) hopeless_ = too_many_tries;
  const auto delay = common_.limits.failed(address_, tries_, common_.settings->ssh, now);
  refuse(std::move(message), std::max<Clock::duration>(delay, 500ms), std::move(done));
  return false;
}

// Whatever is thrown here costs this connection alone: it ends.
template <class Judge>
void SshLogin::conclude(const Done& done, Judge judge) {
  try {
    if (!closed_) return judge();
  } catch (const std::exception&) {
    starve();
  }
  done();
}

void SshLogin::check_password(ssh::Message message, Secret password, const char* method, Done done) {
  struct Verdict {
    UserLookup lookup;
    bool good;
  };
  if (!is_judged(method, message, done)) return;
  common_.hashing.run(
      client_network(address_),
      [&users = common_.users, settings = common_.settings.now(), name = name_,
       secret = std::move(password)] {
        auto lookup = users.find(settings, name);
        const bool good = verify_password(secret.text(), lookup.user ? lookup.user->user.password_hash : "");
        return Verdict{std::move(lookup), good};
      },
      [this, message = std::move(message), method,
       done = std::move(done)](const std::optional<Verdict>& verdict) mutable {
        conclude(done, [&] {
          if (verdict)
            return decide(std::move(message), verdict->lookup, {method, verdict->good, true}, done);
          starve();
          done();
        });
      });
}

// The message, which has the key, is kept by what waits for the verdict.
void SshLogin::check_key(ssh::Message message, Done done) {
  if (!is_judged(publickey, message, done)) return;
  const auto offered = ssh_message_auth_pubkey(message.get());
  common_.lookups.run(
      client_network(address_),
      [&users = common_.users, settings = common_.settings.now(), name = name_, client = plain(address_),
       offered] {
        KeyVerdict verdict;
        verdict.lookup = users.find(settings, name);
        const auto text = ssh::base64(offered);
        if (text.empty() || !verdict.lookup.user) return verdict;
        for (const auto& key : verdict.lookup.user->keys) {
          if (key.base64 != text) continue;
          if (key.line.admits(client)) {
            verdict.opens = true;
            verdict.barred.clear();  // the key may stand there twice
            return verdict;
          }
          verdict.barred.push_back(key.line.from);
        }
        return verdict;
      },
      [this, message = std::move(message),
       done = std::move(done)](const std::optional<KeyVerdict>& verdict) mutable {
        conclude(done, [&] {
          if (verdict) return judge_key(std::move(message), *verdict, done);
          starve();
          done();
        });
      });
}

void SshLogin::judge_key(ssh::Message message, const KeyVerdict& verdict, Done done) {
  const auto answer = answer_to_key(verdict.opens, ssh_message_auth_publickey_state(message.get()));
  for (const auto& from : verdict.barred) {
    common_.events.emit(event::SshRefused{
        number_, fmt::format("the right key of user {}, which is not permitted from {}: from=\"{}\"", name_,
                             client_, from)});
  }
  if (answer == KeyAnswer::worth_signing) {
    shown_key_ = key_text(ssh_message_auth_pubkey(message.get()));
    ssh_message_auth_reply_pk_ok_simple(message.get());
    return done();
  }
  const Try what{publickey, answer == KeyAnswer::logged_in, false,
                 key_text(ssh_message_auth_pubkey(message.get())), !verdict.barred.empty()};
  decide(std::move(message), verdict.lookup, what, std::move(done));
}

void SshLogin::decide(ssh::Message message, const UserLookup& lookup, const Try& what, Done done) {
  if (!lookup.mistakes.empty())
    common_.events.warn_rarely(Warning::users, fmt::format("{}", fmt::join(lookup.mistakes, "; ")));
  if (what.good && lookup.user && lookup.user->user.sftp) {
    if (!place_.has_room_for(name_, common_.settings->ssh)) {
      crowded_ = true;
      hopeless_ =
          fmt::format("user {} has so many sessions that the rest is for others: ssh.max_sessions", name_);
      return done();
    }
    place_.logged_in(name_, Clock::now());
    user_ = lookup.user->user;
    common_.events.emit(event::LoggedIn{number_, name_, client_, port_, what.method, what.key});
    ssh_message_auth_reply_success(message.get(), 0);
    return done();
  }
  tell_failed(what.method, fault(lookup, what.method == publickey, what.barred, what.good), what.key,
              lookup.similar);
  if (++tries_ >= most_tries) hopeless_ = too_many_tries;
  // A key that is only shown is no guess: an agent shows all that it has.
  if (!what.guess) return refuse(std::move(message), {}, std::move(done));
  refuse(std::move(message), common_.limits.failed(address_, ++guesses_, common_.settings->ssh, Clock::now()),
         std::move(done));
}

void SshLogin::tell_failed(const char* method, event::LoginFault fault, std::string key,
                           std::string similar) {
  common_.events.emit(
      event::LoginFailed{number_, name_, client_, port_, method, fault, std::move(key), std::move(similar)});
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
