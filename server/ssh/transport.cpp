#include "server/ssh/transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/loop/succeeds.hpp"
#include "server/loop/workers.hpp"
#include "server/ssh/connection_use.hpp"
#include "server/ssh/message.hpp"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;
using Result = SshTransport::Polled::Result;

constexpr std::size_t most_messages = 200;  // a poll makes a hundred at most
constexpr std::size_t most_message_bytes = 64 << 10;
constexpr std::size_t message_size = 1024;     // about, beside its strings
constexpr std::size_t short_packet = 8 << 10;  // which is not counted until it is whole
// RFC 4253 asks for 35,000 bytes, which libssh announces; it takes, and keeps, 256 KiB.
constexpr std::size_t longest_packet = 48 << 10;
constexpr std::size_t read_at_once = 4 << 10;  // by libssh

}  // namespace

SshTransport::SshTransport(net::io_context& loop, std::function<void()> ready)
    : ready_(std::move(ready)), socket_(loop), session_(ssh_new()) {}

SshTransport::~SshTransport() {
  if (event_) ssh_event_remove_session(event_.get(), session_.get());
}

bool SshTransport::start(ssh_bind bind, SocketHandle socket, std::optional<std::uint64_t> rekey_limit) {
  if (!session_) {
    close_socket(socket);
    return false;
  }
  ssh_set_blocking(session_.get(), 0);
  ssh_set_counters(session_.get(), &bytes_, &packets_);
  // The server's default offers zlib, and ssh_bind has no option against it.
  ssh_options_set(session_.get(), SSH_OPTIONS_COMPRESSION_C_S, "none");
  ssh_options_set(session_.get(), SSH_OPTIONS_COMPRESSION_S_C, "none");
  if (rekey_limit) ssh_options_set(session_.get(), SSH_OPTIONS_REKEY_DATA, &*rekey_limit);
  if (!socket_.watch(socket)) {
    close_socket(socket);
    return false;
  }
  if (ssh_bind_accept_fd(bind, session_.get(), socket) != SSH_OK) {
    if (ssh_get_fd(session_.get()) != socket) close_socket(socket);  // else libssh closes it
    return false;
  }
  // Where a server has callbacks, libssh shows each message once and keeps none.
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.gssapi_select_oid_function = on_gssapi;
  ssh_set_server_callbacks(session_.get(), &callbacks_);
  ssh_set_message_callback(session_.get(), on_message, this);
  return true;
}

int SshTransport::on_message(ssh_session, ssh_message message, void* self) noexcept {
  auto& transport = *static_cast<SshTransport*>(self);
  const auto size = message_size + (transport.packets_.in_bytes - transport.taken_bytes_);
  transport.delivered();
  auto ours = ssh::take_over(message);
  transport.starved_ |= !ours || !succeeds([&] { transport.inbox_.push_back({std::move(ours), size}); });
  transport.inbox_bytes_ += size;
  return 0;
}

// Without this, libssh would ask Kerberos, which asks DNS for this host's name, and leak.
ssh_string SshTransport::on_gssapi(ssh_session, const char* user, int, ssh_string*, void* self) noexcept {
  auto& transport = *static_cast<SshTransport*>(self);
  ++transport.taken_;
  transport.starved_ |= !succeeds([&] { transport.gssapi_.push_back(ssh::text(user)); });
  return nullptr;
}

void SshTransport::delivered() {
  ++taken_;
  taken_bytes_ = packets_.in_bytes;
}

ssh::Message SshTransport::take_message() {
  auto next = std::move(inbox_.front());
  inbox_.pop_front();
  inbox_bytes_ -= next.size;
  return std::move(next.message);
}

bool SshTransport::inbox_is_full() const {
  return inbox_.size() > most_messages || inbox_bytes_ > most_message_bytes;
}

// It stops at an error: one more poll would replace libssh's reason by the client's own end.
SshTransport::Polled SshTransport::poll() {
  const auto began = Clock::now();
  auto result = Result::dead;
  if (event_ || begin()) {
    const int moved = ssh_event_dopoll(event_.get(), 0);
    if (moved != SSH_ERROR && !closed()) result = moved == SSH_AGAIN ? Result::nothing : Result::moved;
    measure();
  }
  return {result, Clock::now() - began};
}

// By hand: it sends the banner and makes the poll context, without which no event takes the session. False
// when what the client sent first was wrong already.
bool SshTransport::begin() {
  if (ssh_handle_key_exchange(session_.get()) == SSH_ERROR) return false;
  ssh::Event event(ssh_event_new());
  if (!event || ssh_event_add_session(event.get(), session_.get()) != SSH_OK) return false;
  event_ = std::move(event);
  return true;
}

void SshTransport::note(const Polled& polled) {
  dead_ |= polled.result == Result::dead;
  want_poll_ = polled.result == Result::moved;
}

// A poll writes and reads: while the client does not take what is written, none.
bool SshTransport::wants_poll(bool may_read) const {
  return want_poll_ && (pending() ? socket_.is_writable() : may_read);
}

void SshTransport::wait(bool may_read, const std::shared_ptr<void>& hold) {
  const bool stuck = pending();
  if (may_read && !stuck && !reading_) {
    socket_.wait_readable([this, hold](error_code error) { waited(reading_, error); });
    reading_ = true;
  }
  if ((stuck || wants_room()) && !writing_) {
    socket_.wait_writable([this, hold](error_code error) { waited(writing_, error); });
    writing_ = true;
  }
}

void SshTransport::waited(bool& waits, error_code error) {
  waits = false;
  want_poll_ = true;
  if (!error) ready_();
}

int SshTransport::write(ssh_channel channel, std::span<const std::byte> bytes) {
  const auto before = packets_.out_bytes;
  const int written = ssh_channel_write(channel, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  measure();
  // After some gigabytes libssh asks for new keys, and until the client has agreed it keeps all that is to be
  // sent, without a bound.
  if (written > 0 && packets_.out_bytes - before < static_cast<std::uint64_t>(written)) negotiation_.ask();
  return written;
}

void SshTransport::measure() {
  if (std::exchange(whole_packets_, packets_.in_packets) != packets_.in_packets)
    whole_bytes_ = bytes_.in_bytes;
  most_unfinished_ = std::max(most_unfinished_, unfinished());
}

bool SshTransport::pending() const { return (ssh_get_status(session_.get()) & SSH_WRITE_PENDING) != 0; }

// After each write libssh wants to hear that there is room, or it holds the next one back.
bool SshTransport::wants_room() const {
  return (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0;
}

bool SshTransport::closed() const {
  return (ssh_get_status(session_.get()) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

// libssh closes its socket where both sides have nothing in common, and forgets why.
std::string SshTransport::error() const {
  const auto last = ssh::text(ssh_get_error(session_.get()));
  const auto& mismatch = negotiation_.mismatch();
  return mismatch.empty() || !last.starts_with("Socket error") ? last : mismatch;
}

std::size_t SshTransport::held() const {
  return inbox_bytes_ + (unfinished() > short_packet ? unfinished() : 0);
}

// One for what came from the socket and is not a packet yet, and one for the packet. Of a long packet the
// first bytes may have come with the end of the one before.
std::size_t SshTransport::kept() const {
  const auto reads = most_unfinished_ > read_at_once ? 2 * read_at_once : read_at_once;
  return 2 * ConnectionUse::buffer_for(std::min(most_unfinished_, longest_packet) + reads);
}

std::optional<std::string> SshTransport::misconduct(bool logged_in) {
  if (starved_) return out_of_memory;
  auto fault = chatter_.look({packets_.in_packets, taken_, bytes_.out_bytes, logged_in, negotiation_.runs()},
                             Clock::now());
  measure();
  if (!fault && unfinished() > longest_packet)
    fault = fmt::format("a packet of more than {} KiB", longest_packet >> 10);
  return fault;
}

std::optional<std::string> SshTransport::standstill(bool logged_in) {
  return patience_.look({packets_.in_packets, bytes_.out_bytes, pending(), logged_in,
                         !negotiation_.complete(), unfinished() > 0},
                        Clock::now());
}

void SshTransport::close(ssh::Disconnect code, const std::string& farewell) noexcept {
  inbox_.clear();
  // After each write libssh holds the next one, here the DISCONNECT, back until a poll has found room: it
  // would close first.
  if (event_ && !dead() && wants_room() && !readable()) ssh_event_dopoll(event_.get(), 0);
  if (event_) {
    ssh_event_remove_session(event_.get(), session_.get());
    event_.reset();
  }
  if (!negotiation_.mismatch().empty() && !encrypted_) {
    const auto* const banner = ssh_get_serverbanner(session_.get());
    const bool unsent = bytes_.out_bytes == 0 && banner;
    ssh::disconnect_unencrypted(socket_.handle(), unsent ? banner : "", farewell);
  }
  ssh::disconnect(session_.get(), code, farewell);
  socket_.close();
}

}  // namespace server
