#include "server/ssh_service.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace server {
namespace {

using namespace std::chrono_literals;

// Explicit lists: libssh's defaults hold group18, a tenth of a second of the loop for each handshake, and
// group-exchange, which reads half a megabyte of moduli each time. RSA host keys, because no Cisco device
// knows another kind; plain MACs beside ETM, because IOS-XE before 17.10 offers only these.
struct Algorithms {
  const char *kex, *host_keys, *ciphers, *macs, *user_keys;
};
constexpr Algorithms modern{
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
    "diffie-hellman-group16-sha512,diffie-hellman-group14-sha256",
    "rsa-sha2-512,rsa-sha2-256,ssh-ed25519",
    "aes256-gcm@openssh.com,aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,"
    "aes128-ctr",
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"};
constexpr Algorithms legacy_too{",diffie-hellman-group14-sha1", ",ssh-rsa",
                                ",aes256-cbc,aes192-cbc,aes128-cbc", ",hmac-sha1-etm@openssh.com,hmac-sha1",
                                ",ssh-rsa"};

template <class Value>
void set(const ssh::Bind& bind, ssh_bind_options_e option, const Value* value) {
  if (ssh_bind_options_set(bind.get(), option, value) != SSH_OK) {
    throw std::runtime_error(fmt::format("libssh refuses an option: {}", ssh_get_error(bind.get())));
  }
}

ssh::Bind make_bind(std::vector<HostKeyPair> keys, conf::Compatibility compatibility) {
  ssh::Bind bind(ssh_bind_new());
  const bool no = false;  // or an administrator's /etc/ssh/libssh_server_config changes our algorithms
  set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
  const auto list = [&](ssh_bind_options_e option, const char* Algorithms::*field) {
    auto text = std::string(modern.*field);
    if (compatibility == conf::Compatibility::legacy) text += legacy_too.*field;
    set(bind, option, text.c_str());
  };
  list(SSH_BIND_OPTIONS_KEY_EXCHANGE, &Algorithms::kex);
  list(SSH_BIND_OPTIONS_CIPHERS_C_S, &Algorithms::ciphers);
  list(SSH_BIND_OPTIONS_CIPHERS_S_C, &Algorithms::ciphers);
  list(SSH_BIND_OPTIONS_HMAC_C_S, &Algorithms::macs);
  list(SSH_BIND_OPTIONS_HMAC_S_C, &Algorithms::macs);
  list(SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, &Algorithms::user_keys);
  for (auto& pair : keys) set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, pair.key.release());
  list(SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, &Algorithms::host_keys);
  set(bind, SSH_BIND_OPTIONS_BANNER, "apdepot_" APDEPOT_VERSION);
  return bind;
}

}  // namespace

void SshService::serve(tcp::acceptor listener) { listeners_.push_back(std::move(listener)); }

void SshService::use(std::vector<HostKeyPair> keys) {
  for (const auto& pair : keys) shared_.events.emit(event::HostKey{pair.type, pair.fingerprint});
  bind_ = make_bind(std::move(keys), shared_.settings->ssh.compatibility);
  for (auto& listener : listeners_) {
    if (listener.is_open()) shared_.start(listen(listener), "the SSH listener");
  }
}

net::awaitable<void> SshService::listen(tcp::acceptor& listener) {
  net::steady_timer pause(shared_.loop);
  while (listener.is_open()) {
    auto [error, socket] = co_await listener.async_accept(net::as_tuple(net::use_awaitable));
    if (!error) {
      try {
        start(std::move(socket));
      } catch (const std::exception& e) {
        shared_.warn_rarely(fmt::format("an SSH connection is dropped: {}", e.what()));
      }
    } else if (listener.is_open()) {
      shared_.warn_rarely(fmt::format("SSH connections are not accepted: {}", error.message()));
      // Out of descriptors, most likely: trying again at once would only spin.
      pause.expires_after(100ms);
      co_await pause.async_wait(net::as_tuple(net::use_awaitable));
    }
  }
}

void SshService::start(tcp::socket socket) {
  error_code error;
  const auto client = socket.remote_endpoint(error);
  if (error) return;  // gone already
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(net::socket_base::keep_alive(true), error);
  socket.non_blocking(true, error);
  socket.native_non_blocking(true, error);
  const int fd = socket.release(error);
  if (error) return;
  auto session =
      std::make_shared<SshSession>(shared_, shared_.next_number(), client, [this](SshSession* ended) {
        sessions_.erase(ended);
        if (sessions_.empty() && when_empty_) when_empty_();
      });
  sessions_.emplace(session.get(), session);
  if (session->start(bind_.get(), fd)) return;
  shared_.warn_rarely("an SSH connection is dropped: there are no descriptors or no memory left");
  session->stop();
}

void SshService::stop_listening() {
  for (auto& listener : listeners_) {
    error_code ignored;
    listener.close(ignored);
  }
}

void SshService::drain_sessions() {
  for (const auto& [key, session] : sessions_) session->drain();
}

void SshService::stop_sessions() {
  for (const auto& [key, session] : sessions_) session->stop();
}

}  // namespace server
