#include "server/ssh_session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto login_grace = 60s;

// Bounds for one turn on the loop. libssh reads 4 KiB a poll.
constexpr int polls_a_turn = 16;
constexpr int rounds_a_turn = 8;
constexpr std::size_t write_at_once = 256 << 10;

constexpr std::size_t most_misses_told = 1000;
constexpr std::size_t most_unasked_bytes = 256 << 10;  // on a channel without SFTP

// The user's "/", opened anew: an administrator may have put another images/ in its place.
storage::Result<storage::Root> root_for(const storage::Depot& depot, const std::string& folder) {
  const auto path = storage::Path::parse(folder);
  if (!path) return std::unexpected(std::make_error_code(std::errc::invalid_argument));
  const auto images = storage::Root::open(depot.images());
  if (!images) return std::unexpected(images.error());
  return images->subroot(*path);
}

constexpr auto out_of_memory = "the server is short of memory";

}  // namespace

SshSession::SshSession(Shared& shared, std::uint64_t number, const tcp::endpoint& client, Ended ended)
    : shared_(shared),
      number_(number),
      client_(client.address().to_string()),
      ended_(std::move(ended)),
      socket_(shared.loop),
      grace_(shared.loop),
      session_(ssh_new()),
      login_(shared, number, client_, client.port()) {
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_eof_function = on_eof;
  callbacks_.channel_close_function = on_close;
}

SshSession::~SshSession() {
  if (event_) ssh_event_remove_session(event_.get(), session_.get());
}

bool SshSession::start(ssh_bind bind, int fd) {
  ssh_set_blocking(session_.get(), 0);
  // The server's default offers zlib, and ssh_bind has no option against it.
  ssh_options_set(session_.get(), SSH_OPTIONS_COMPRESSION_C_S, "none");
  ssh_options_set(session_.get(), SSH_OPTIONS_COMPRESSION_S_C, "none");
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
  // Once, by hand: it sends the banner and makes the poll context, without which no event takes the session.
  if (ssh_handle_key_exchange(session_.get()) == SSH_ERROR) return false;
  event_.reset(ssh_event_new());
  if (ssh_event_add_session(event_.get(), session_.get()) != SSH_OK) {
    event_.reset();
    return false;
  }
  grace_.expires_after(login_grace);
  await_login();
  service();
  return true;
}

// The time that our own workers take is not the client's.
void SshSession::await_login() {
  grace_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->login_.user() || self->over_) return;
    if (!self->waiting_) return self->end(fmt::format("no login within {} s", login_grace.count()));
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
  if (in_service_ || waiting_ || over_) return;
  in_service_ = true;
  const bool alive = exchange();
  // What is not read is not answered either: libssh would keep the answers without bound.
  while (!waiting_ && !over_ && (ssh_get_status(session_.get()) & SSH_WRITE_PENDING) == 0) {
    ssh::Message message(ssh_message_get(session_.get()));
    if (!message) break;
    handle(std::move(message));
  }
  if (flooded_ && !over_) end("the client sent what nobody asked for");
  const bool more = !over_ && serve_sftp();
  in_service_ = false;
  if (over_) return;
  if (!alive && !waiting_) return end(ssh::text(ssh_get_error(session_.get())));
  if (waiting_) return;
  if (more) return net::post(shared_.loop, [self = shared_from_this()] { self->service(); });
  if (draining_ && idle()) return stop();
  arm();
}

// Moves bytes between the socket and libssh. False when the connection is dead.
bool SshSession::exchange() {
  for (int i = 0; i < polls_a_turn; ++i) {
    const int result = ssh_event_dopoll(event_.get(), 0);
    if (result == SSH_AGAIN) break;
    if (result == SSH_ERROR) return false;
  }
  return (ssh_get_status(session_.get()) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0;
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
    self->waiting_ = false;
    if (self->over_) return;
    if (!self->login_.hopeless().empty()) return self->end(self->login_.hopeless());
    if (self->login_.user()) self->grace_.cancel();
    self->service();
  };
  waiting_ = login_.handle(session_.get(), std::move(message), done);
  if (!waiting_ && !login_.hopeless().empty()) end(login_.hopeless());
}

void SshSession::open_channel(ssh_message message) {
  if (channel_ && closed_) {  // a client may open the next, even in the same breath
    finish_channel();
    channel_ = nullptr;
    eof_ = closed_ = channel_finished_ = false;
    received_.clear();
  }
  if (!login_.user() || ssh_message_subtype(message) != SSH_CHANNEL_SESSION || channel_) {
    shared_.events.emit(event::SshRefused{number_, "a channel that is no first session"});
    ssh_message_reply_default(message);
    return;
  }
  channel_ = ssh_message_channel_request_open_reply_accept(message);
  // At once: OpenSSH sends INIT behind the subsystem request, and libssh does not deliver again what came
  // before.
  if (channel_) ssh_set_channel_callbacks(channel_, &callbacks_);
}

void SshSession::channel_request(ssh::Message message) {
  auto* const m = message.get();
  const bool subsystem = ssh_message_subtype(m) == SSH_CHANNEL_REQUEST_SUBSYSTEM;
  const auto name = subsystem ? ssh::text(ssh_message_channel_request_subsystem(m)) : "";
  if (name != "sftp" || sftp_ || !channel_) {
    static constexpr std::array<const char*, 7> words{
        "a request",   "a terminal",     "a command", "a shell", "an environment variable",
        "a subsystem", "a window change"};
    const auto type = static_cast<std::size_t>(ssh_message_subtype(m));
    shared_.events.emit(event::SshRefused{number_, type < words.size() ? words[type] : words[0]});
    ssh_message_reply_default(m);
    return;
  }
  waiting_ = true;
  shared_.disk.run(
      [&depot = shared_.depot, root = login_.user()->root] { return root_for(depot, root); },
      [self = shared_from_this(),
       message = std::move(message)](std::optional<storage::Result<storage::Root>> root) {
        self->waiting_ = false;
        if (!root) return self->end(out_of_memory);
        if (self->over_) return;
        if (*root) {
          ssh_message_channel_request_reply_success(message.get());
          self->start_sftp(std::move(**root));
        } else {
          self->shared_.events.emit(event::SshRefused{
              self->number_, fmt::format("user {}: the root {} cannot be opened: {}", self->login_.name(),
                                         self->login_.user()->root, root->error().message())});
          ssh_message_reply_default(message.get());
        }
        self->service();
      });
}

void SshSession::start_sftp(storage::Root root) {
  sftp_.emplace(static_cast<std::int64_t>(std::time(nullptr)));
  files_.emplace(std::move(root));
  shared_.events.emit(event::SessionOpened{number_, login_.name(), client_});
}

// Feeds, works and flushes until nothing moves. True when the turn's bound was hit and there is more to do.
bool SshSession::serve_sftp() {
  if (!sftp_) {
    if (channel_ && (eof_ || closed_)) finish_channel();
    return false;
  }
  for (int round = 0; round < rounds_a_turn; ++round) {
    if (!received_.empty() && !sftp_->feed(std::exchange(received_, {}))) {
      end("the client sent what is not SFTP, or too much at once");
      return false;
    }
    const auto operation = sftp_->poll();
    tell();
    if (operation) carry_out(*operation);
    const bool moved = flush();
    if (over_ || waiting_) return false;
    if (sftp_->broken()) {
      end(fmt::format("bad message from {} local user {}", client_, login_.name()));
      return false;
    }
    if (!operation && !moved) {
      if ((eof_ || closed_) && sftp_->output().size() == 0) finish_channel();
      return false;
    }
  }
  return true;
}

void SshSession::carry_out(const sftp::Operation& operation) {
  if (auto answer = files_->try_now(operation)) {
    sftp_->done(std::move(*answer));
    return tell();
  }
  waiting_ = true;
  auto& workers = std::holds_alternative<sftp::ReadFile>(operation) ? shared_.content : shared_.disk;
  workers.run([files = &*files_, operation] { return files->perform(operation); },
              [self = shared_from_this()](std::optional<SftpFiles::Outcome> outcome) {
                self->waiting_ = false;
                if (self->over_) return self->close_sftp();
                if (!outcome) return self->end(out_of_memory);
                const auto* error = std::get_if<std::error_code>(&outcome->answer);
                const auto code = error ? *error : std::error_code{};
                self->sftp_->done(std::move(outcome->answer));
                self->tell();
                if (outcome->missing) self->explain(*outcome->missing, code);
                self->service();
              });
}

void SshSession::tell() {
  for (auto& what : sftp_->take_events()) shared_.events.emit(event::SftpHappened{number_, std::move(what)});
}

// One line a name. The client has its status code already, or has it while we look.
void SshSession::explain(const storage::Path& missing, std::error_code error) {
  if (missed_.size() >= most_misses_told || !missed_.insert(missing.text()).second) return;
  flush();
  if (over_) return;
  if (shared_.explaining.busy() >= most_explanations) {
    const auto miss = storage::plain_miss(missing.text(), error);
    return shared_.events.emit(event::Missed{number_, event::Protocol::sftp, miss});
  }
  waiting_ = true;
  shared_.explaining.run(
      [files = &*files_, missing, error] { return files->explain(missing, error); },
      [self = shared_from_this()](std::optional<storage::Miss> miss) {
        self->waiting_ = false;
        if (miss) {
          self->shared_.events.emit(event::Missed{self->number_, event::Protocol::sftp, std::move(*miss)});
        }
        if (self->over_) return self->close_sftp();
        self->service();
      });
}

// Gives libssh what it can encrypt and send now. Only into an empty buffer of libssh's and an open window, so
// that a client that does not read costs no memory. True when something moved.
bool SshSession::flush() {
  auto& output = sftp_->output();
  bool moved = false;
  while (output.size() > 0 && channel_ && !closed_ &&
         (ssh_get_status(session_.get()) & SSH_WRITE_PENDING) == 0) {
    const auto window = ssh_channel_window_size(channel_);
    const auto size = std::min({output.size(), std::size_t{window}, write_at_once});
    if (size == 0) break;
    const int written = ssh_channel_write(channel_, output.bytes().data(), static_cast<std::uint32_t>(size));
    if (written < 0) {
      end(ssh::text(ssh_get_error(session_.get())));
      return false;
    }
    if (written == 0) break;  // a key exchange is under way
    output.consume(static_cast<std::size_t>(written));
    moved = true;
  }
  if (!waiting_) output.release();
  return moved;
}

void SshSession::close_sftp() {
  if (!sftp_ || waiting_) return;
  sftp_->close_all();
  tell();
  sftp_.reset();
  files_.reset();
  shared_.events.emit(event::SessionClosed{number_, login_.name(), client_});
}

// The client has nothing more to ask, or no more ears; its CLOSE wants ours in return (RFC 4254 5.3).
void SshSession::finish_channel() {
  close_sftp();
  if (std::exchange(channel_finished_, true)) return;
  if (!closed_) ssh_channel_request_send_exit_status(channel_, 0);
  ssh_channel_close(channel_);
}

void SshSession::arm() {
  if (!std::exchange(reading_, true)) {
    socket_.async_wait(net::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](error_code error) {
                         self->reading_ = false;
                         if (!error) self->service();
                       });
  }
  if ((ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0 && !std::exchange(writing_, true)) {
    socket_.async_wait(net::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](error_code error) {
                         self->writing_ = false;
                         if (!error) self->service();
                       });
  }
}

void SshSession::end(std::string why) {
  if (std::exchange(over_, true)) return;
  if (!login_.user()) {
    // A port scanner or a load balancer's health check says nothing; that is worth a line at debug only.
    if (ssh_get_clientbanner(session_.get())) {
      shared_.events.emit(event::SshFailed{number_, client_, std::move(why)});
    } else {
      shared_.events.emit(event::SshProbed{number_, client_});
    }
  }
  close_sftp();
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

int SshSession::on_data(ssh_session, ssh_channel, void* data, std::uint32_t size, int is_stderr, void* self) {
  auto& session = *static_cast<SshSession*>(self);
  if (is_stderr != 0 || session.flooded_) return static_cast<int>(size);
  const auto* bytes = static_cast<const std::byte*>(data);
  session.received_.insert(session.received_.end(), bytes, bytes + size);
  session.flooded_ = !session.sftp_ && session.received_.size() > most_unasked_bytes;
  return static_cast<int>(size);
}

void SshSession::on_eof(ssh_session, ssh_channel, void* self) { static_cast<SshSession*>(self)->eof_ = true; }

void SshSession::on_close(ssh_session, ssh_channel, void* self) {
  static_cast<SshSession*>(self)->closed_ = true;
}

}  // namespace server
