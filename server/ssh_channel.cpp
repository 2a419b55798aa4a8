#include "server/ssh_channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "protocols/scp/sink.hpp"
#include "protocols/scp/source.hpp"
#include "server/scp_service.hpp"
#include "server/sftp_service.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;

// One turn on the loop: encryption is what costs, from 0.1 to 3 ms for each write.
constexpr auto longest_turn = 2ms;
constexpr std::size_t most_at_once = 64 << 10;     // libssh keeps what the socket does not take
constexpr std::size_t most_packets_at_once = 128;  // a small one costs as much as a kilobyte in a large one

constexpr std::size_t most_misses_told = 1000;
constexpr std::size_t most_unasked_bytes = 256 << 10;  // before anything runs on the channel
constexpr std::size_t most_backlog = 1 << 20;          // a client's window is larger (1.28 MB in libssh)
constexpr std::size_t enough_answers = 64 << 10;       // to be sent in spite of it

// The user's "/", opened anew: an administrator may have put another images/ in its place.
storage::Result<storage::Root> root_for(const storage::Depot& depot, const conf::User& user) {
  const auto path = storage::Path::parse(user.root);
  if (!path) return std::unexpected(std::make_error_code(std::errc::invalid_argument));
  const auto images = storage::Root::open(depot.images());
  if (!images) return std::unexpected(images.error());
  auto root = images->subroot(*path);
  // Where that fails, reading goes on, and every upload is told why.
  if (root && user.uploads) static_cast<void>(storage::uploads_below(*root));
  return root;
}

Workers& workers_for(const Shared& shared, const files::Operation& operation) {
  const bool bytes = std::holds_alternative<files::ReadFile>(operation) ||
                     std::holds_alternative<files::WriteFile>(operation) ||
                     std::holds_alternative<files::CopyData>(operation) ||
                     std::holds_alternative<files::SyncFile>(operation) ||
                     std::holds_alternative<files::CloseHandle>(operation);  // what was written is synced
  return bytes ? shared.content : shared.disk;
}

}  // namespace

SshChannel::SshChannel(Shared& shared, Connection& connection, ssh_channel channel, std::uint32_t packet)
    : shared_(shared),
      connection_(connection),
      channel_(channel),
      write_at_once_(std::min(most_at_once, packet * most_packets_at_once)) {
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_eof_function = on_eof;
  callbacks_.channel_close_function = on_close;
  // At once: OpenSSH sends INIT behind the subsystem request, and libssh does not deliver again what came
  // before.
  ssh_set_channel_callbacks(channel_, &callbacks_);
}

// Of a channel that the client has not closed libssh would call us back; it goes with the connection.
SshChannel::~SshChannel() {
  if (channel_ && closed_) ssh_channel_free(channel_);
}

void SshChannel::detach() {
  channel_ = nullptr;
  close_service();
}

template <class Work, class Then>
void SshChannel::wait_for(Workers& workers, Work work, Then then) {
  waiting_ = true;
  workers.run(std::move(work), [hold = connection_.hold(), self = shared_from_this(),
                                then = std::move(then)](auto result) mutable {
    auto& connection = self->connection_;
    connection.when_free([hold = std::move(hold), self = std::move(self), then = std::move(then),
                          result = std::move(result)]() mutable {
      self->waiting_ = false;
      if (!result) {
        self->connection_.end(out_of_memory);
      } else {
        then(std::move(*result));
      }
      if (!self->channel_) return self->close_service();
      self->connection_.go_on();
    });
  });
}

void SshChannel::start_sftp(ssh::Message request) {
  start(std::move(request), [this] {
    const auto access = connection_.user().uploads ? sftp::Access::uploads : sftp::Access::read_only;
    return std::make_unique<SftpService>(
        shared_.events, connection_.number(),
        sftp::Session(static_cast<std::int64_t>(std::time(nullptr)), access));
  });
}

void SshChannel::start_scp(ssh::Message request, scp::Command command) {
  start(std::move(request), [this, command = std::move(command)] {
    const auto& user = connection_.user();
    std::unique_ptr<scp::Session> session;
    if (command.sends) {
      session = std::make_unique<scp::Source>(command);
    } else {
      session = std::make_unique<scp::Sink>(command, user.uploads,
                                            fmt::format("user {} may only read here", user.name));
    }
    return std::make_unique<ScpService>(shared_.events, connection_.number(), std::move(session),
                                        !command.sends);
  });
}

void SshChannel::start(ssh::Message request, MakeService make) {
  starting_ = true;
  wait_for(
      shared_.disk, [&depot = shared_.depot, user = connection_.user()] { return root_for(depot, user); },
      [this, request = std::move(request), make = std::move(make)](storage::Result<storage::Root> root) {
        starting_ = false;
        if (!channel_) return;
        if (!root) {
          shared_.events.emit(event::SshRefused{
              connection_.number(),
              fmt::format("user {}: the root {} cannot be opened: {}", connection_.user().name,
                          connection_.user().root, root.error().message())});
          ssh_message_reply_default(request.get());
          return;
        }
        ssh_message_channel_request_reply_success(request.get());
        service_ = make();
        std::optional<UserFiles::Uploads> uploads;
        if (connection_.user().uploads) uploads.emplace(shared_.depot, shared_.settings->ssh.max_upload);
        UserFiles::Images images{*storage::Path::parse(connection_.user().root), std::move(*root),
                                 shared_.catalogue};
        files_.emplace(std::move(images), uploads, shared_.disk);
        shared_.events.emit(
            event::SessionOpened{connection_.number(), connection_.user().name, connection_.address()});
      });
}

bool SshChannel::backlogged() const { return !finished_ && received_.size() > most_backlog; }

bool SshChannel::serve() {
  if (waiting_ || finished_ || !channel_) return false;
  if (!service_) {
    if (received_.size() > most_unasked_bytes) {
      connection_.end("the client sent what nobody asked for");
    } else if (eof_ || closed_) {
      finish(0);
    }
    return false;
  }
  const auto end = std::chrono::steady_clock::now() + longest_turn;
  while (work()) {
    if (std::chrono::steady_clock::now() >= end) return true;
  }
  return false;
}

// One round. True when something moved and nothing hinders the next one.
bool SshChannel::work() {
  if (eof_ && received_.empty()) service_->eof();
  auto operation = service_->poll();
  // Not before the service wants for something to do: a client may send faster than the disk writes, and what
  // waits here holds it back.
  if (!operation && !received_.empty()) {
    if (!service_->feed(std::exchange(received_, {}))) {
      connection_.end("the client sent what its protocol has no place for, or too much at once");
      return false;
    }
    if (eof_) service_->eof();
    operation = service_->poll();
  }
  // An opening is told behind what it is remapped to.
  if (!operation || !std::holds_alternative<files::OpenFile>(*operation)) service_->tell();
  if (operation) carry_out(*operation);
  const bool moved = flush();
  if (waiting_ || !channel_) return false;
  if (service_->broken()) {
    connection_.end(
        fmt::format("bad message from {} local user {}", connection_.address(), connection_.user().name));
    return false;
  }
  if (closed_) {
    finish(0);
    return false;
  }
  if (operation || moved || service_->more()) return true;
  if (service_->output().empty() && connection_.may_send()) {
    if (const auto status = service_->exit_status()) finish(*status);
  }
  return false;
}

void SshChannel::carry_out(const files::Operation& operation) {
  if (auto answer = files_->try_now(operation)) {
    service_->done(std::move(*answer));
    return service_->tell();
  }
  wait_for(
      workers_for(shared_, operation), [files = &*files_, operation] { return files->perform(operation); },
      [this, operation](UserFiles::Outcome outcome) {
        if (may_mean_another(operation, outcome)) return carry_out_as_meant(operation, std::move(outcome));
        conclude(std::move(outcome), service_->misses(operation));
      });
}

bool SshChannel::may_mean_another(const files::Operation& operation,
                                  const UserFiles::Outcome& outcome) const {
  const auto* error = std::get_if<std::error_code>(&outcome.answer);
  const bool missing =
      error && (*error == std::errc::no_such_file_or_directory || *error == std::errc::not_a_directory);
  return missing && channel_ && service_->misses(operation) &&
         files_->may_mean_another(operation, shared_.settings->lookup) &&
         shared_.explaining.busy() < most_explanations;
}

void SshChannel::carry_out_as_meant(const files::Operation& operation, UserFiles::Outcome missed) {
  wait_for(
      shared_.explaining,
      [files = &*files_, operation, settings = shared_.settings->lookup] {
        return files->perform_as_meant(operation, settings);
      },
      [this, missed = std::move(missed)](std::optional<UserFiles::Outcome> outcome) mutable {
        conclude(outcome ? std::move(*outcome) : std::move(missed), true);
      });
}

void SshChannel::conclude(UserFiles::Outcome outcome, bool tells) {
  const auto* error = std::get_if<std::error_code>(&outcome.answer);
  const auto code = error ? *error : std::error_code{};
  if (const auto& meant = outcome.meant) {
    shared_.events.emit(
        event::SftpRemapped{connection_.number(), meant->asked, {meant->path.text(), meant->rule}});
  }
  service_->done(std::move(outcome.answer));
  service_->tell();
  if (channel_ && tells && outcome.missing && !expected(*outcome.missing, code)) {
    explain(*outcome.missing, code);
  }
}

// Whoever may write asks first whether the name is free, WinSCP for instance.
bool SshChannel::expected(const storage::Path& missing, std::error_code error) const {
  return connection_.user().uploads && error == std::errc::no_such_file_or_directory &&
         missing.text().starts_with("/uploads/");
}

// One line a name. The client has its status code already, or has it while we look.
void SshChannel::explain(const storage::Path& missing, std::error_code error) {
  if (missed_.size() >= most_misses_told || !missed_.insert(missing.text()).second) return;
  flush();
  if (!channel_) return;
  const auto tell = [this](storage::Miss miss) {
    shared_.events.emit(event::Missed{connection_.number(), event::Protocol::sftp, std::move(miss)});
  };
  if (shared_.explaining.busy() >= most_explanations) return tell(storage::plain_miss(missing.text(), error));
  wait_for(
      shared_.explaining,
      [files = &*files_, missing, error, forgiving = shared_.settings->lookup.forgiving] {
        return files->explain(missing, error, forgiving);
      },
      tell);
}

// Gives libssh what it can encrypt and send now. Only into an empty buffer of libssh's and an open window, so
// that a client that does not read costs no memory. True when something moved.
bool SshChannel::flush() {
  bool moved = false;
  // libssh reads whenever it writes: an answer to each of a thousand small requests would let in a megabyte
  // more.
  if (backlogged() && service_->output().size() < enough_answers) return false;
  while (!service_->output().empty() && !closed_ && connection_.may_send()) {
    const auto output = service_->output();
    const auto window = ssh_channel_window_size(channel_);
    const auto size = std::min({output.size(), std::size_t{window}, write_at_once_});
    if (size == 0) break;
    const int written = ssh_channel_write(channel_, output.data(), static_cast<std::uint32_t>(size));
    if (written < 0) {
      connection_.end(ssh::text(ssh_get_error(ssh_channel_get_session(channel_))));
      return false;
    }
    if (written == 0) break;  // a key exchange is under way
    service_->consume(static_cast<std::size_t>(written));
    moved = true;
  }
  if (!waiting_) service_->release_output();
  return moved;
}

// A worker may be at it: then what it waits for closes it.
void SshChannel::close_service() {
  if (!service_ || waiting_) return;
  service_->close_all();
  service_->tell();
  service_.reset();
  files_.reset();
  shared_.events.emit(
      event::SessionClosed{connection_.number(), connection_.user().name, connection_.address()});
}

// The client has nothing more to ask, or no more ears; its CLOSE wants ours in return (RFC 4254 5.3).
void SshChannel::finish(int status) {
  close_service();
  finished_ = true;
  if (!closed_) ssh_channel_request_send_exit_status(channel_, status);
  ssh_channel_close(channel_);
}

int SshChannel::on_data(ssh_session, ssh_channel, void* data, std::uint32_t size, int is_stderr, void* self) {
  auto& channel = *static_cast<SshChannel*>(self);
  channel.connection_.delivered();
  if (is_stderr != 0 || channel.finished_) return static_cast<int>(size);
  const auto* bytes = static_cast<const std::byte*>(data);
  channel.received_.insert(channel.received_.end(), bytes, bytes + size);
  return static_cast<int>(size);
}

void SshChannel::on_eof(ssh_session, ssh_channel, void* self) { static_cast<SshChannel*>(self)->eof_ = true; }

void SshChannel::on_close(ssh_session, ssh_channel, void* self) {
  static_cast<SshChannel*>(self)->closed_ = true;
}

}  // namespace server
