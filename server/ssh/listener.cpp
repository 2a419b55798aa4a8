#include "server/ssh/listener.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "conf/algorithms.hpp"
#include "conf/settings.hpp"
#include "conf/ssh.hpp"
#include "server/events/events.hpp"
#include "server/events/ssh.hpp"
#include "server/events/warning.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/descriptors.hpp"
#include "server/os/lent_socket.hpp"
#include "server/os/service_manager.hpp"
#include "server/ssh/moduli.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr int accepted_at_once = 16;  // before others on the loop have their turn
constexpr std::size_t a_rush = 64;    // sessions at once: 30 KiB each and more

// Of the keys that users log in with.
constexpr auto user_keys =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
constexpr auto legacy_user_keys = ",ssh-rsa";

// libssh's own defaults hold group18, a tenth of a second of the loop for each handshake.
std::string list(conf::AlgorithmKind kind, const conf::Ssh& settings) {
  return fmt::format("{}", fmt::join(conf::offered(kind, settings), ","));
}

template <class Value>
void set(const ssh::Bind& bind, ssh_bind_options_e option, const Value* value) {
  if (ssh_bind_options_set(bind.get(), option, value) != SSH_OK) {
    throw std::runtime_error(fmt::format("libssh refuses an option: {}", ssh_get_error(bind.get())));
  }
}

ssh::Bind make_bind(std::vector<HostKeyPair> keys, const conf::Ssh& settings,
                    const std::filesystem::path& moduli) {
  using enum conf::AlgorithmKind;
  ssh::Bind bind(ssh_bind_new());
  const bool no = false;  // or an administrator's /etc/ssh/libssh_server_config changes our algorithms
  set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
  if (conf::offers_group_exchange(settings))
    set(bind, SSH_BIND_OPTIONS_MODULI, storage::utf8_of(moduli).c_str());
  const auto ciphers = list(cipher, settings), macs = list(mac, settings);
  set(bind, SSH_BIND_OPTIONS_KEY_EXCHANGE, list(kex, settings).c_str());
  set(bind, SSH_BIND_OPTIONS_CIPHERS_C_S, ciphers.c_str());
  set(bind, SSH_BIND_OPTIONS_CIPHERS_S_C, ciphers.c_str());
  set(bind, SSH_BIND_OPTIONS_HMAC_C_S, macs.c_str());
  set(bind, SSH_BIND_OPTIONS_HMAC_S_C, macs.c_str());
  const bool legacy = settings.compatibility == conf::Compatibility::legacy;
  const auto users = std::string(user_keys) + (legacy ? legacy_user_keys : "");
  set(bind, SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, users.c_str());
  for (auto& pair : keys) set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, pair.key.release());
  set(bind, SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, list(host_key, settings).c_str());
  set(bind, SSH_BIND_OPTIONS_BANNER, "apdepot_" APDEPOT_VERSION);
  return bind;
}

// Before it was accepted: Windows says reset.
bool is_gone(const error_code& error) {
  return error == net::error::connection_aborted || error == net::error::connection_reset;
}

// sshd's, for whoever shows it to his user.
constexpr std::string_view farewell(event::SshLimit limit) {
  return limit == event::SshLimit::penalty ? "Not allowed at this time\r\n" : "Exceeded MaxStartups\r\n";
}

}  // namespace

void SshService::serve(tcp::acceptor listener) {
  listener.non_blocking(true);
  const auto& added = listeners_.emplace_back(std::make_shared<Listener>(std::move(listener)));
  if (listening_) listen(added);
}

void SshService::close(const tcp::endpoint& address) {
  std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
    error_code error;
    if (listener->acceptor.local_endpoint(error) != address || error) return false;
    listener->acceptor.close(error);
    listener->pause.cancel();
    return true;
  });
}

void SshService::use(std::vector<HostKeyPair> keys) {
  for (const auto& pair : keys) common_->events.emit(event::HostKey{pair.type, pair.fingerprint});
  bind_ = make_bind(std::move(keys), common_->settings->ssh, moduli_file(common_->library.depot));
  if (std::exchange(listening_, true)) return;
  for (const auto& listener : listeners_) {
    if (listener->acceptor.is_open()) listen(listener);
  }
}

// What waits keeps a session, and that keeps what waits.
SshService::~SshService() {
  common_->turns.clear();
  common_->explaining_turns.clear();
  common_->polls.clear();
  common_->hashing.clear();
  common_->lookups.clear();
}

// As for TFTP, neither takes memory that there may not be: nobody could connect until a restart.
void SshService::listen(const std::shared_ptr<Listener>& listener) {
  listener->wait.start(listener->acceptor, [this, listener] {
    if (!listener->acceptor.is_open()) return;
    accept(*listener) ? listen(listener) : pause(listener);
  });
}

// Out of descriptors, most likely: trying again at once would only spin.
void SshService::pause(const std::shared_ptr<Listener>& listener) {
  const bool waits = succeeds([&] {
    listener->pause.expires_after(100ms);
    listener->pause.async_wait(
        net::bind_allocator(listener->pause_memory.allocator(), [this, listener](error_code) {
          if (listener->acceptor.is_open()) listen(listener);
        }));
  });
  if (!waits) listen(listener);
}

// Those that wait, or some of them. False when there is no descriptor for one.
bool SshService::accept(Listener& listener) noexcept {
  bool enough = true;
  for (int i = 0; i < accepted_at_once && enough && listener.acceptor.is_open(); ++i) {
    bool more = false;
    succeeds([&] {
      tcp::socket socket(common_->loop);
      error_code error;
      listener.acceptor.accept(socket, error);
      more = error != net::error::would_block;
      if (!more || is_gone(error)) return;
      if (!error && is_of_the_reserve(socket.native_handle())) error = net::error::no_descriptors;
      enough = !error;
      if (!error) return start(std::move(socket));
      common_->events.warn_rarely(Warning::ssh_resources, fmt::format("SSH connections are not accepted: {}",
                                                                      no_descriptor_text(error)));
    });
    if (!more) break;
  }
  return enough;
}

void SshService::start(tcp::socket socket) try {
  error_code error;
  const auto client = socket.remote_endpoint(error);
  if (error || !admits(socket, client)) return;  // gone already, or not welcome
  SshPlace place(common_->limits, client.address());
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(net::socket_base::keep_alive(true), error);
  run(std::move(socket), client, std::move(place));
} catch (const std::exception& e) {
  common_->events.warn_rarely(Warning::broken_off, fmt::format("an SSH connection is dropped: {}", e.what()));
}

bool SshService::admits(tcp::socket& socket, const tcp::endpoint& client) {
  const auto chance = std::uniform_int_distribution<unsigned>(0, 99)(random_);
  const auto refusal =
      common_->limits.enter(client.address(), common_->settings->ssh, chance, SshLimits::Clock::now());
  error_code error;
  socket.non_blocking(true, error);
  if (!refusal) return true;
  if (const auto& drop = refusal->tell) {
    const auto listener = socket.local_endpoint(error);
    common_->events.emit(event::SshDropped{common_->events.next_number(), client.address().to_string(),
                                           listener.address().to_string(), client.port(), listener.port(),
                                           drop->unauthenticated, drop->limit, drop->offence, drop->untold});
    socket.write_some(net::buffer(farewell(drop->limit)), error);
  }
  return false;
}

void SshService::run(tcp::socket socket, const tcp::endpoint& client, SshPlace place) {
  const auto number = common_->events.next_number();
  socket.native_non_blocking(true);
  const auto session = std::make_shared<SshSession>(
      common_, std::move(place), number, client,
      [this, number, address = client.address()](SshSession& ended) { left(ended, number, address); });
  sessions_.emplace(session.get(), session);
  most_sessions_ = std::max(most_sessions_, sessions_.size());
  try {
    const auto taken = release(std::move(socket));
    if (session->start(bind_.get(), taken)) return;
    common_->events.warn_rarely(Warning::ssh_resources,
                                "an SSH connection is dropped: there are no descriptors or no memory left");
  } catch (...) {
    session->stop();
    throw;
  }
  session->stop();
}

// Memory may be short.
void SshService::left(SshSession& session, std::uint64_t number, const net::ip::address& client) noexcept {
  succeeds([&] { tell_of_penalty(session, number, client); });
  sessions_.erase(&session);
  if (!sessions_.empty()) return;
  succeeds([this] {
    if (std::exchange(most_sessions_, 0) >= a_rush) common_->lanes.disk.post(give_memory_back);
  });
  succeeds([this] {
    if (when_empty_) when_empty_();
  });
}

void SshService::tell_of_penalty(SshSession& session, std::uint64_t number, const net::ip::address& client) {
  const auto& login = session.login();
  const auto begun =
      session.place().leave(login.offence(), login.name(), common_->settings->ssh, SshLimits::Clock::now());
  if (begun) {
    common_->events.emit(event::SshPenalised{number, client.to_string(), begun->period, begun->offence});
  }
}

// A copy: each that ends leaves them.
std::vector<std::shared_ptr<SshSession>> SshService::sessions() const {
  std::vector<std::shared_ptr<SshSession>> all;
  for (const auto& [key, session] : sessions_) all.push_back(session);
  return all;
}

void SshService::stop_listening() {
  for (const auto& listener : listeners_) {
    error_code ignored;
    listener->acceptor.close(ignored);
    listener->pause.cancel();
  }
}

void SshService::drain_sessions() {
  for (const auto& session : sessions()) session->drain();
}

void SshService::stop_sessions() {
  for (const auto& session : sessions()) session->stop();
}

}  // namespace server
