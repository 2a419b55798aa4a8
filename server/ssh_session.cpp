#include "server/ssh_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "server/ssh_packet_size.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

// Of one turn on the loop. Encryption is what costs, from 0.1 to 3 ms for each write; libssh reads 4 KiB a
// poll.
constexpr auto longest_turn = 2ms;
constexpr int polls_a_turn = 16;
constexpr std::size_t most_channels = 10;  // at a time, as in sshd
constexpr std::size_t longest_command_told = 256;
constexpr std::uint32_t usual_packet = 32768;  // what every client must take (RFC 4253 6.1)
constexpr std::uint32_t least_packet = 64;     // below it there is little but headers

}  // namespace

SshSession::SshSession(Shared& shared, SshLimits& limits, std::uint64_t number, const tcp::endpoint& client,
                       Ended ended)
    : shared_(shared),
      number_(number),
      client_(client.address().to_string()),
      ended_(std::move(ended)),
      socket_(shared.loop),
      grace_(shared.loop),
      session_(ssh_new()),
      login_(shared, limits, number, client) {}

SshSession::~SshSession() {
  if (event_) ssh_event_remove_session(event_.get(), session_.get());
}

bool SshSession::start(ssh_bind bind, int fd) {
  ssh_set_blocking(session_.get(), 0);
  ssh_set_counters(session_.get(), nullptr, &packets_);
  // The server's default offers zlib, and ssh_bind has no option against it.
  ssh_options_set(session_.get(), SSH_OPTIONS_COMPRESSION_C_S, "none");
  ssh_options_set(session_.get(), SSH_OPTIONS_COMPRESSION_S_C, "none");
  if (const auto limit = shared_.settings->ssh.rekey_limit) {
    ssh_options_set(session_.get(), SSH_OPTIONS_REKEY_DATA, &*limit);
  }
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0 || ssh_bind_accept_fd(bind, session_.get(), fd) != SSH_OK) {
    ::close(fd);
    if (own >= 0) ::close(own);
    return false;
  }
  error_code error;
  socket_.assign(own, error);
  if (error) {
    ::close(own);
    return false;
  }
  grace_.expires_after(shared_.settings->ssh.login_grace);
  await_login();
  service();
  return true;
}

// A key exchange belongs to a worker, with libssh's session; the loop has both of them back in between.
void SshSession::negotiate() {
  negotiating_ = true;
  shared_.negotiating.run(
      [this] {
        const SshNegotiation::Ear ear(negotiation_);
        return (event_ || begin()) && exchange();
      },
      [self = shared_from_this()](std::optional<bool> alive) {
        self->negotiating_ = false;
        self->negotiated(alive);
        for (auto& then : std::exchange(self->when_free_, {})) self->when_free(std::move(then));
      });
}

void SshSession::negotiated(std::optional<bool> alive) {
  if (!alive) return end(out_of_memory);
  if (put_off_) return end(*put_off_);
  const bool complete = negotiation_.complete();
  // Told of a client that is gone already, too.
  if (complete && !std::exchange(told_, true))
    shared_.events.emit(negotiation_.told(login_.peer(session_.get())));
  if (!*alive) return end(ssh::text(ssh_get_error(session_.get())));
  complete ? service() : arm();
}

void SshSession::when_free(std::move_only_function<void()> then) {
  if (negotiating_) return when_free_.push_back(std::move(then));
  const SshNegotiation::Ear ear(negotiation_);  // what it sends makes libssh read
  then();
}

// By hand: it sends the banner and makes the poll context, without which no event takes the session. False
// when what the client sent first was wrong already.
bool SshSession::begin() {
  if (ssh_handle_key_exchange(session_.get()) == SSH_ERROR) return false;
  ssh::Event event(ssh_event_new());
  if (ssh_event_add_session(event.get(), session_.get()) != SSH_OK) return false;
  event_ = std::move(event);
  return true;
}

// The time that our own workers take is not the client's.
void SshSession::await_login() {
  grace_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->login_.user() || self->over_) return;
    if (!self->logging_in_) return self->end("Timeout before authentication");
    self->grace_.expires_after(1s);
    self->await_login();
  });
}

void SshSession::stop() { end("the server is shutting down"); }

void SshSession::drain() {
  draining_ = true;
  if (idle()) stop();
}

void SshSession::service() {
  if (in_service_ || negotiating_ || logging_in_ || over_) return;
  if (!negotiation_.complete()) return negotiate();
  const SshNegotiation::Ear ear(negotiation_);
  in_service_ = true;
  const bool alive = backlogged() || exchange();
  if (alive && !negotiation_.complete()) {
    in_service_ = false;
    return negotiate();
  }
  take_messages();
  const auto read = packets_.in_packets;
  bool more = !logging_in_ && serve_channels();
  in_service_ = false;
  if (over_ || logging_in_) return;
  const auto error = ssh::text(ssh_get_error(session_.get()));
  if (!alive || closed() || (!login_.user() && leaves_the_client_waiting(error))) return end(error);
  // Writing reads as well: a message may wait, or something for a channel whose turn is over.
  more |= packets_.in_packets != read;
  if (more) return net::post(shared_.loop, [self = shared_from_this()] { self->service(); });
  if (draining_ && idle()) return stop();
  arm();
}

// What is not read is not answered either: libssh would keep the answers without bound. Asking for a message
// reads.
void SshSession::take_messages() {
  while (!logging_in_ && !over_ && may_send() && !backlogged()) {
    ssh::Message message(ssh_message_get(session_.get()));
    if (!message) return;
    handle(std::move(message));
  }
}

// Each in turn, in one budget: the next turn begins with the next of them. True when one may have more to do
// at once.
bool SshSession::serve_channels() {
  const auto end = std::chrono::steady_clock::now() + longest_turn;
  bool more = false;
  const auto present = channels_;
  if (!channels_.empty()) channels_.splice(channels_.end(), channels_, channels_.begin());
  for (const auto& channel : present) {
    if (over_) return false;
    more |= channel->serve(end);
  }
  std::erase_if(channels_, [](const auto& channel) { return channel->over(); });
  return more;
}

// Writing and asking read as well: the step of an exchange that costs may be what is read next.
bool SshSession::may_send() const {
  return negotiation_.complete() && (ssh_get_status(session_.get()) & SSH_WRITE_PENDING) == 0;
}

bool SshSession::idle() const {
  return !logging_in_ && std::ranges::all_of(channels_, [](const auto& channel) { return channel->idle(); });
}

// Unless what the client sends next is what they wait for.
bool SshSession::backlogged() const {
  return use_ && use_->holds_enough() &&
         std::ranges::any_of(channels_, [](const auto& channel) { return channel->busy(); });
}

// Moves bytes between the socket and libssh, until keys are exchanged, or no more. False when the connection
// is dead; one poll more, and the client's own end would hide the reason.
bool SshSession::exchange() {
  const bool complete = negotiation_.complete();
  for (int i = 0; i < polls_a_turn && !closed() && negotiation_.complete() == complete; ++i) {
    const int result = ssh_event_dopoll(event_.get(), 0);
    if (result == SSH_AGAIN) break;
    if (result == SSH_ERROR) return false;
  }
  return !closed();
}

bool SshSession::closed() const {
  return (ssh_get_status(session_.get()) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

void SshSession::handle(ssh::Message message) {
  switch (ssh_message_type(message.get())) {
    case SSH_REQUEST_AUTH:
      return log_in(std::move(message));
    case SSH_REQUEST_CHANNEL_OPEN:
      return open_channel(message.get());
    case SSH_REQUEST_CHANNEL:
      return channel_request(std::move(message));
    case SSH_REQUEST_GLOBAL:  // port forwarding, keep-alives
    default:
      ssh_message_reply_default(message.get());
  }
}

void SshSession::log_in(ssh::Message message) {
  const auto done = [self = shared_from_this()] {
    self->logging_in_ = false;
    if (self->over_) return;
    if (!self->login_.hopeless().empty()) return self->end(self->login_.hopeless());
    if (self->login_.user()) self->grace_.cancel();
    self->service();
  };
  logging_in_ = login_.handle(session_.get(), std::move(message), done);
  if (!logging_in_ && !login_.hopeless().empty()) end(login_.hopeless());
}

void SshSession::open_channel(ssh_message message) {
  if (ssh_message_subtype(message) != SSH_CHANNEL_SESSION)
    return refuse(message, "a channel that is no session");
  if (!login_.user() || channels_.size() >= most_channels) return refuse(message, "too many channels");
  if (auto* const channel = ssh_message_channel_request_open_reply_accept(message)) {
    const auto packet = ssh::largest_packet(channel).value_or(usual_packet);
    if (packet < least_packet) {
      return end(fmt::format("the client takes packets of {} bytes at most; {} are the least", packet,
                             least_packet));
    }
    if (!use_) {
      use_ = std::make_shared<ConnectionUse>(
          shared_, net::ip::make_address(client_), login_.user()->name, [this] {
            net::post(shared_.loop, [self = shared_from_this()] {
              self->end("all connections together hold too much, and this one holds most");
            });
          });
    }
    Connection& connection = *this;
    channels_.push_back(std::make_shared<SshChannel>(shared_, connection, channel, packet));
  }
}

void SshSession::channel_request(ssh::Message message) {
  auto* const m = message.get();
  const auto place = std::ranges::find_if(channels_, [asked = ssh_message_channel_request_channel(m)](
                                                         const auto& channel) { return channel->is(asked); });
  const auto type = ssh_message_subtype(m);
  const bool free = place != channels_.end() && !(*place)->serves();
  if (free && type == SSH_CHANNEL_REQUEST_SUBSYSTEM &&
      ssh::text(ssh_message_channel_request_subsystem(m)) == "sftp") {
    return (*place)->start_sftp(std::move(message));
  }
  if (free && type == SSH_CHANNEL_REQUEST_EXEC) {
    const auto text = ssh::text(ssh_message_channel_request_command(m));
    auto command = scp::parse_command(text);
    if (command) return (*place)->start_scp(std::move(message), std::move(*command));
    const bool cut = text.size() > longest_command_told;
    return refuse(m, fmt::format("the command \"{}{}\": {}", text.substr(0, longest_command_told),
                                 cut ? "..." : "", command.error()));
  }
  static constexpr std::array<const char*, 7> words{
      "a request",   "a terminal",     "a command", "a shell", "an environment variable",
      "a subsystem", "a window change"};
  const auto word = static_cast<std::size_t>(type);
  refuse(m, word < words.size() ? words[word] : words[0]);
}

// Told once: a client that wants its environment sent may ask fifty times.
void SshSession::refuse(ssh_message message, std::string what) {
  ssh_message_reply_default(message);
  if (refused_.is_new(what)) shared_.events.emit(event::SshRefused{number_, std::move(what)});
}

void SshSession::arm() {
  if (negotiation_.complete() && backlogged()) return;  // a worker calls us
  if (!std::exchange(reading_, true)) {
    socket_.async_wait(net::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](error_code error) {
                         self->reading_ = false;
                         if (!error) self->go_on();
                       });
  }
  if ((ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0 && !std::exchange(writing_, true)) {
    socket_.async_wait(net::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](error_code error) {
                         self->writing_ = false;
                         if (!error) self->go_on();
                       });
  }
}

void SshSession::end(std::string why) {
  if (negotiating_) {  // the worker has the session
    if (!put_off_) put_off_ = std::move(why);
    return;
  }
  if (std::exchange(over_, true)) return;
  for (const auto& channel : channels_) channel->detach();
  // A port scanner or a load balancer's health check says nothing; that is worth a line at debug only.
  const auto peer = login_.peer(session_.get());
  const bool silent = peer.banner.empty();
  shared_.events.emit(silent ? Event(event::SshProbed{number_, client_})
                             : ending(peer, why, shared_.settings->ssh));
  login_.close();
  grace_.cancel();
  // Outside of whatever libssh function may have called us.
  net::post(shared_.loop, [self = shared_from_this()] {
    if (self->event_) {
      ssh_event_remove_session(self->event_.get(), self->session_.get());
      self->event_.reset();
    }
    ssh_disconnect(self->session_.get());
    error_code ignored;
    self->socket_.close(ignored);
    self->ended_(self.get());
  });
}

}  // namespace server
