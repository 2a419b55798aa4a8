#include "server/ssh/channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <new>

#include "conf/settings.hpp"
#include "protocols/scp/sink.hpp"
#include "protocols/scp/source.hpp"
#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/sftp.hpp"
#include "server/events/ssh.hpp"
#include "server/events/transfer.hpp"
#include "server/files/upload_rules.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/shares.hpp"
#include "server/loop/succeeds.hpp"
#include "server/ssh/ending.hpp"
#include "server/ssh/file_events.hpp"
#include "storage/lookup/explain.hpp"

namespace server {
namespace {

constexpr std::size_t most_packets_at_once = 128;  // a small one costs as much as a kilobyte in a large one

constexpr std::size_t most_unasked_bytes = 64 << 10;  // before anything runs on the channel
constexpr std::size_t longest_request = 300 << 10;    // and some answers
constexpr std::size_t enough_answers = 64 << 10;      // to be sent though the client sends more meanwhile

constexpr std::uint32_t root_handle = UINT32_MAX;  // no session gives it out
constexpr std::size_t descriptors_of_upload = 3;
constexpr int told_at_once = 32;  // events; ten channels may end in one turn

// The user's "/", opened again: an administrator may have put another images/ in its place.
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

struct Opening {
  std::uint32_t handle;
  OpenFiles::Wanted wanted;
};
std::optional<Opening> opening(const files::Operation& operation) {
  if (const auto* file = std::get_if<files::OpenToRead>(&operation))
    return Opening{file->handle, {.name = file->path.text().size()}};
  if (const auto* folder = std::get_if<files::OpenDirectory>(&operation))
    return Opening{folder->handle, {.directory = true, .name = folder->path.text().size()}};
  if (const auto* upload = std::get_if<files::CreateNew>(&operation))
    return Opening{upload->handle,
                   {.descriptors = descriptors_of_upload, .name = upload->path.text().size()}};
  return {};
}

// The handle of which nothing is open any more.
std::optional<std::uint32_t> closed_by(const files::Operation& operation, const files::Answer& answer) {
  if (const auto* close = std::get_if<files::CloseOpen>(&operation)) return close->handle;
  if (const auto* abandon = std::get_if<files::AbandonFile>(&operation)) return abandon->handle;
  const auto opened = std::holds_alternative<std::error_code>(answer) ? opening(operation) : std::nullopt;
  return opened ? std::optional(opened->handle) : std::nullopt;
}

// What one client has of the workers that all share.
struct Share {
  FairWorkers& workers;
  net::ip::address source;

  template <class Work, class Then>
  void run(Work work, Then then) {
    workers.run(source, std::move(work), std::move(then));
  }
};

std::string may_only_read(const conf::User& user) {
  return fmt::format("user {} may only read here", user.name);
}

}  // namespace

SshChannel::SshChannel(SshCommon& common, Connection& connection, ssh_channel channel, std::uint32_t packet)
    : common_(common),
      connection_(connection),
      channel_(channel),
      write_at_once_(packet * most_packets_at_once),
      use_(connection.use()) {
  ssh_callbacks_init(&callbacks_);
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_eof_function = on_eof;
  callbacks_.channel_close_function = on_close;
  // At once: OpenSSH sends INIT right after the subsystem request, and libssh does not deliver again what
  // came before.
  ssh_set_channel_callbacks(channel_, &callbacks_);
}

// Of a channel that the client has not closed libssh would call us back; it goes with the connection.
SshChannel::~SshChannel() {
  if (channel_ && closed_) ssh_channel_free(channel_);
  use_->hold(held_, 0);
}

bool SshChannel::detach(protocols::Cause cause, std::string_view why) noexcept {
  const bool first = std::exchange(channel_, nullptr);
  return guard([&] {
    if (first) end_ = {.cause = cause, .text = std::string(why)};
    close_session();
  });
}

// Where memory is short this connection ends, and no other.
template <class Do>
bool SshChannel::guard(Do what) noexcept {
  if (succeeds(std::move(what))) return true;
  received_ = {};           // room to tell of it
  short_of_memory_ = true;  // nothing is worked at any more: a part of the session may be gone
  if (channel_) connection_.starve();
  return false;
}

template <class Work, class Then>
void SshChannel::wait_for(FairWorkers& workers, Work work, Then then) {
  Share share{workers, client_network(use_->address())};
  run(share, std::move(work), std::move(then), {});
}

template <class Work, class Then>
void SshChannel::wait_for_explaining(Turns::Turn turn, Work work, Then then) {
  run(common_.lanes.explaining, std::move(work), std::move(then), std::move(turn));
}

// The explaining turn, where it has one, is over with the work. All that it takes to hear the answer is there
// before the work begins.
template <class Lane, class Work, class Then>
void SshChannel::run(Lane& lane, Work work, Then then, std::optional<Turns::Turn> turn) {
  struct Answer {
    std::shared_ptr<void> hold;
    std::shared_ptr<SshChannel> self;
    Then then;
    std::optional<Turns::Turn> turn;
    std::optional<std::invoke_result_t<Work&>> result = {};
  };
  waiting_ = true;
  try {
    auto waiting = std::unique_ptr<Answer>(
        new Answer{connection_.hold(), shared_from_this(), std::move(then), std::move(turn)});
    lane.run(std::move(work), [answer = std::move(waiting)](auto result) mutable {
      answer->turn.reset();
      answer->result = std::move(result);
      auto& connection = answer->self->connection_;
      connection.when_free([answer = std::move(answer)] {
        auto& self = *answer->self;
        self.waiting_ = false;
        self.may_go_on_ = true;  // until its next turn shows: nothing more is read before
        if (!answer->result) {
          self.connection_.starve();
        } else {
          self.guard([&] { answer->then(std::move(*answer->result)); });
        }
        if (!self.channel_) {
          self.guard([&] { self.close_session(); });
          return;
        }
        self.connection_.go_on();
      });
    });
  } catch (...) {
    waiting_ = false;
    throw;
  }
}

void SshChannel::start_sftp(ssh::Message request) {
  start(std::move(request), event::Protocol::sftp, [this] {
    const auto& user = connection_.user();
    const auto access = user.uploads ? sftp::Access::uploads : sftp::Access::read_only;
    auto session = std::make_unique<sftp::Session>(static_cast<std::int64_t>(std::time(nullptr)), access,
                                                   may_only_read(user));
    tell_ = [this, &of = *session] { emit_happened(common_.events, connection_.number(), of, *use_); };
    return session;
  });
}

void SshChannel::start_scp(ssh::Message request, scp::Command command) {
  start(std::move(request), event::Protocol::scp, [this, command = std::move(command)] {
    const auto& user = connection_.user();
    std::unique_ptr<scp::Session> session;
    if (command.sends) {
      session = std::make_unique<scp::Source>(command);
    } else {
      session = std::make_unique<scp::Sink>(command, user.uploads, may_only_read(user));
    }
    tell_ = [this, &of = *session] { emit_happened(common_.events, connection_.number(), of); };
    return session;
  });
}

void SshChannel::decline(ssh::Message request, std::string text) {
  ssh_message_channel_request_reply_success(request.get());
  parting_ = std::move(text);
}

void SshChannel::start(ssh::Message request, event::Protocol protocol, MakeSession make) {
  protocol_ = protocol;
  leases_ = std::make_shared<Leases>();
  auto root_lease = lease({});
  if (!root_lease) {
    ssh_message_reply_default(request.get());
    return;
  }
  leases_->emplace(root_handle, std::move(*root_lease));
  starting_ = true;
  wait_for(
      common_.lanes.finding,
      [&depot = common_.library.depot, user = connection_.user()] { return root_for(depot, user); },
      [this, request = std::move(request), protocol,
       make = std::move(make)](storage::Result<storage::Root> root) {
        starting_ = false;
        if (!channel_) return;
        if (!root) {
          leases_.reset();
          common_.events.emit(event::SshRefused{
              connection_.number(),
              fmt::format("user {}: the root {} cannot be opened: {}", connection_.user().name,
                          connection_.user().root, root.error().message())});
          ssh_message_reply_default(request.get());
          return;
        }
        ssh_message_channel_request_reply_success(request.get());
        auto session = make();
        std::optional<UserFiles::Uploads> uploads;
        if (const auto& user = connection_.user(); user.uploads)
          uploads.emplace(
              storage::Sender{common_.library.uploads, "sftp:" + user.name}, common_.settings->ssh.max_upload,
              user.root == "/" ? common_.settings->lookup.aliases : std::vector<storage::Alias>{});
        UserFiles::Images images{*storage::Path::parse(connection_.user().root), std::move(*root),
                                 common_.library.catalogue};
        files_.emplace(std::move(images), std::move(uploads), common_.lanes.disk, leases_);
        transfers_.emplace(FileTransfers::Session{protocol, connection_.number(), connection_.address(),
                                                  connection_.user().name, connection_.user().root},
                           common_.running, [this] { stop_later(); });
        session_ = std::move(session);
        common_.events.emit(
            event::SessionOpened{connection_.number(), connection_.user().name, connection_.address()});
      });
}

// Not within the call: the end of the connection is the end of the transfer that was asked to stop.
void SshChannel::stop_later() {
  net::post(common_.loop, [self = shared_from_this(), hold = connection_.hold()] {
    self->connection_.end(std::string(stopped_by_administrator));
  });
}

// With more than the longest request it has a whole one to answer, and with an open window room for the
// answer.
bool SshChannel::busy() const {
  if (waiting_ || may_go_on_) return true;
  return session_ && channel_ && received_.size() + session_->held() > longest_request &&
         ssh_channel_window_size(channel_) > 0;
}

bool SshChannel::serve(std::chrono::steady_clock::time_point end) {
  if (waiting_ || finished_ || !channel_) return false;
  if (short_of_memory_) {
    connection_.starve();
    return false;
  }
  if (!session_) {
    may_go_on_ = false;
    if (received_.size() > most_unasked_bytes) {
      connection_.end("the client sent what nobody asked for");
    } else if (!parting_.empty()) {
      guard([this] { part(); });
    } else if ((eof_ || closed_) && connection_.may_send()) {
      finish(0);
    }
    return false;
  }
  may_go_on_ = true;
  while (std::chrono::steady_clock::now() < end) {
    if (!guard([this] { may_go_on_ = work(); })) return false;  // what it left is for close_session() alone
    if (waiting_ || finished_ || !channel_ || !may_go_on_) return false;
  }
  return true;
}

void SshChannel::part() {
  if (!connection_.may_send()) return;
  if (!closed_) {
    if (ssh_channel_window_size(channel_) < parting_.size()) return;
    if (connection_.write(channel_, std::as_bytes(std::span(parting_))) == 0) return;  // keys are exchanged
  }
  finish(1);
}

// One round. True when something moved and nothing hinders the next one.
bool SshChannel::work() {
  if (use_->holds_too_much()) {
    connection_.end("the client sends more and more, and takes no answers");
    return false;
  }
  if (eof_ && received_.empty()) session_->eof();
  auto operation = session_->poll(use_->room());
  // Not before the session has nothing else to do: a client may send faster than the disk writes, and what
  // waits here holds it back.
  if (!operation && !session_->more() && !received_.empty()) {
    if (!session_->feed(std::exchange(received_, {}))) {
      connection_.end("the client sent what its protocol has no place for, or too much at once");
      return false;
    }
    if (eof_) session_->eof();
    operation = session_->poll(use_->room());
  }
  // An opening is told after what it is remapped to.
  if (!operation || !std::holds_alternative<files::OpenToRead>(*operation)) tell_();
  if (operation) carry_out(*operation);
  const bool goes_on = operation || session_->more();
  // libssh reads whenever it writes: an answer to each of a thousand small requests would let in a megabyte
  // more.
  const bool later = goes_on && use_->holds_enough() && session_->output().size() < enough_answers;
  const bool moved = !later && flush();
  count_held();
  if (waiting_ || !channel_) return false;
  if (session_->broken()) {
    connection_.end(
        fmt::format("bad message from {} local user {}", connection_.address(), connection_.user().name));
    return false;
  }
  if (closed_ && !(goes_on && eof_ && session_->outlives_client())) {
    if (connection_.may_send()) finish(0);
    return false;
  }
  if (goes_on || moved) return true;
  if (session_->output().size() == 0 && connection_.may_send()) {
    if (const auto status = session_->exit_status()) finish(*status);
  }
  return false;
}

void SshChannel::count_held() {
  const auto before = std::exchange(held_, received_.capacity() + (session_ ? session_->held() : 0));
  use_->hold(before, held_);
}

std::size_t SshChannel::kept() const {
  return ConnectionUse::buffer_for(largest_data_) + ConnectionUse::buffer_for(largest_aside_);
}

std::optional<OpenFiles::Lease> SshChannel::lease(const OpenFiles::Wanted& what) {
  auto taken = use_->open(what);
  if (taken) return std::move(*taken);
  auto text = fmt::format("another open file: {}", text_of(taken.error()));
  if (use_->refused_opens.is_new(text))
    common_.events.emit(event::SshRefused{connection_.number(), std::move(text), true});
  return {};
}

// False when there are too many.
bool SshChannel::open(const files::Operation& operation) {
  const auto what = opening(operation);
  if (!what) return true;
  auto taken = lease(what->wanted);
  if (!taken) return false;
  leases_->insert_or_assign(what->handle, std::move(*taken));
  return true;
}

void SshChannel::carry_out(const files::Operation& operation) {
  if (auto answer = files_->try_now(operation)) {
    transfers_->done(operation, *answer, {}, std::chrono::steady_clock::now());  // a read ends nothing
    session_->done(std::move(*answer));
    return tell_();
  }
  if (!open(operation)) {
    session_->done(std::make_error_code(std::errc::too_many_files_open));
    return tell_();
  }
  const auto work = [files = &*files_, operation] { return files->perform(operation); };
  const auto then = [this, operation](UserFiles::Outcome outcome) {
    if (may_mean_another(operation, outcome)) return carry_out_as_meant(operation, std::move(outcome));
    conclude(operation, std::move(outcome), session_->misses(operation));
  };
  auto& lanes = common_.lanes;
  auto& of_bytes = files_->changes(operation) ? lanes.storing : lanes.reading;
  auto& of_names = files_->changes(operation) ? lanes.changing : lanes.finding;
  wait_for(files_->moves_bytes(operation) ? of_bytes : of_names, work, then);
}

bool SshChannel::may_mean_another(const files::Operation& operation,
                                  const UserFiles::Outcome& outcome) const {
  const auto* error = std::get_if<std::error_code>(&outcome.answer);
  const bool missing =
      error && (*error == std::errc::no_such_file_or_directory || *error == std::errc::not_a_directory);
  return missing && channel_ && session_->misses(operation) &&
         files_->may_mean_another(operation, common_.settings->lookup);
}

// In turn with other addresses: to be told that a file is missing because others ask much would be a lie.
void SshChannel::carry_out_as_meant(const files::Operation& operation, UserFiles::Outcome missed) {
  auto begin = [this, operation, missed = std::move(missed), hold = connection_.hold(),
                self = shared_from_this()](Turns::Turn turn) mutable {
    waiting_ = false;
    if (!channel_) {
      guard([this] { close_session(); });
      return;
    }
    guard([&] {
      wait_for_explaining(
          std::move(turn),
          [files = &*files_, operation, settings = common_.settings->lookup] {
            return files->perform_as_meant(operation, settings);
          },
          [this, operation, missed = std::move(missed)](std::optional<UserFiles::Outcome> outcome) mutable {
            conclude(operation, outcome ? std::move(*outcome) : std::move(missed), true);
          });
    });
  };
  waiting_ = true;
  try {
    common_.explaining_turns.wait(use_->address(), std::move(begin));
  } catch (...) {
    waiting_ = false;
    throw;
  }
}

void SshChannel::conclude(const files::Operation& operation, UserFiles::Outcome outcome, bool tells) {
  const auto* error = std::get_if<std::error_code>(&outcome.answer);
  const auto code = error ? *error : std::error_code{};
  if (const auto closed = closed_by(operation, outcome.answer)) leases_->erase(*closed);
  if (const auto& meant = outcome.meant) {
    common_.events.emit(
        event::SftpRemapped{connection_.number(), meant->asked, {meant->path.text(), meant->rule}});
  }
  FileTransfers::Opened opened{{}, outcome.size};
  if (outcome.meant) opened.served = outcome.meant->path.text();
  const auto ended = transfers_->done(operation, outcome.answer, opened, std::chrono::steady_clock::now());
  session_->done(std::move(outcome.answer));
  tell_();
  if (ended) common_.events.emit(*ended);
  if (!channel_ || !outcome.missing) return;
  if (outcome.unwritten) {
    tell_unwritten(*outcome.missing, code);
  } else if (tells && !expected(*outcome.missing, code)) {
    explain(*outcome.missing, code);
  }
}

// A client that uploads asks first whether the name is free, WinSCP for instance.
bool SshChannel::expected(const storage::Path& missing, std::error_code error) const {
  return connection_.user().uploads && error == std::errc::no_such_file_or_directory &&
         missing.text().starts_with("/uploads/");
}

// Also of a name that was looked at before, and was missing then: clients ask first.
void SshChannel::tell_unwritten(const storage::Path& path, std::error_code error) {
  if (!use_->unwritten.is_new(fmt::format("{} {}", error.value(), path.text()))) return;
  common_.events.emit(event::Missed{connection_.number(), protocol_, connection_.address(), path.text(),
                                    explain_unwritten(path, error)});
}

// One line a name. The client has its status code already, or has it while we look.
void SshChannel::explain(const storage::Path& missing, std::error_code error) {
  if (!use_->misses.is_new(missing.text())) return;
  flush();
  if (!channel_) return;
  const auto tell = [this, asked = missing.text()](storage::Miss miss) {
    common_.events.emit(
        event::Missed{connection_.number(), protocol_, connection_.address(), asked, std::move(miss)});
  };
  const bool busy = common_.lanes.explaining.busy() >= most_explanations;
  auto turn = busy ? std::nullopt : common_.explaining_turns.enter(use_->address());
  if (!turn) return tell(storage::plain_miss(missing.text(), error));
  wait_for_explaining(
      std::move(*turn),
      [files = &*files_, missing, error, settings = common_.settings.now()] {
        return files->explain(missing, error, settings->lookup);
      },
      tell);
}

// Gives libssh what it can encrypt and send now. Only into an empty buffer of libssh's and an open window, so
// that a client that does not read costs no memory. True when something moved.
bool SshChannel::flush() {
  bool moved = false;
  if (closed_) session_->output().consume(session_->output().size());  // nobody reads it
  while (session_->output().size() > 0 && !closed_ && connection_.may_send()) {
    const auto output = session_->output().bytes();
    const auto window = ssh_channel_window_size(channel_);
    const auto size = std::min({output.size(), std::size_t{window}, write_at_once_, use_->write_at_once()});
    if (size == 0) break;
    const int written = connection_.write(channel_, output.first(size));
    if (written < 0) {
      connection_.end(ssh::text(ssh_get_error(ssh_channel_get_session(channel_))));
      return false;
    }
    if (written == 0) break;  // keys are exchanged
    use_->wrote(size);
    session_->output().consume(static_cast<std::size_t>(written));
    moved = true;
  }
  if (!waiting_) session_->output().release();
  return moved;
}

// A worker may be at it: then what it waits for closes it. A client may leave a thousand files open, and each
// turn tells of a few. Where memory is short, the next call goes on.
void SshChannel::close_session() {
  if (!session_ || waiting_) return;
  files_.reset();
  leases_.reset();
  received_ = {};
  if (tell_what_was_open()) {
    net::post(common_.loop, [self = shared_from_this(), hold = connection_.hold()] {
      self->guard([&] { self->close_session(); });
    });
    return;
  }
  common_.events.emit(
      event::SessionClosed{connection_.number(), connection_.user().name, connection_.address()});
  tell_ = nullptr;  // it refers to the session
  session_.reset();
  count_held();
  channel_ ? connection_.go_on() : connection_.channel_told();
}

// True when there may be more.
bool SshChannel::tell_what_was_open() {
  auto left = told_at_once;
  while (left > 0 && session_->close_next()) --left;
  tell_();
  for (; left > 0; --left) {
    auto ended = transfers_->end_next(end_.cause, end_.text, std::chrono::steady_clock::now());
    if (!ended) return false;
    common_.events.emit(std::move(*ended));
  }
  return true;
}

// The client has nothing more to ask, or no more ears; its CLOSE wants ours in return (RFC 4254 5.3).
void SshChannel::finish(int status) {
  close_session();
  finished_ = true;
  if (!closed_) ssh_channel_request_send_exit_status(channel_, status);
  ssh_channel_close(channel_);
}

int SshChannel::on_data(ssh_session, ssh_channel, void* data, std::uint32_t size, int is_stderr, void* self) {
  auto& channel = *static_cast<SshChannel*>(self);
  channel.connection_.delivered();
  auto& largest = is_stderr != 0 ? channel.largest_aside_ : channel.largest_data_;
  largest = std::max<std::size_t>(largest, size);
  if (is_stderr != 0 || channel.finished_) return static_cast<int>(size);
  const auto* bytes = static_cast<const std::byte*>(data);
  try {
    channel.received_.insert(channel.received_.end(), bytes, bytes + size);
    channel.may_go_on_ = true;
  } catch (...) {  // libssh is C: serve() ends the connection
    channel.short_of_memory_ = true;
  }
  return static_cast<int>(size);
}

void SshChannel::on_eof(ssh_session, ssh_channel, void* self) { static_cast<SshChannel*>(self)->eof_ = true; }

void SshChannel::on_close(ssh_session, ssh_channel, void* self) {
  static_cast<SshChannel*>(self)->closed_ = true;
}

}  // namespace server
