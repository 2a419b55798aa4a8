#include "server/http/image_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "protocols/http/target.hpp"
#include "server/http/image_list.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/socket_output.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"
#include "storage/files/file_changed.hpp"

namespace server::http {
namespace {

using namespace std::chrono_literals;
using protocols::Cause;

constexpr std::size_t longest_name = 1024;
// What the page cache is asked for at once, what the system is told to send in one call, and how often before
// others have their turn. A call for a megabyte took up to 6 ms of CPU on a busy machine.
constexpr std::uint64_t most_asked = 1 << 20, slice = 256 << 10;
constexpr int most_slices = 16;
constexpr auto longest_turn = 1ms;
// What goes through this process at a time: with TLS, from a slow disk, and the end of each file, which is
// sent once it is sure that the file did not change meanwhile.
constexpr std::uint64_t portion = 64 << 10;
constexpr auto known_for = 1s;        // that memory holds some bytes
constexpr auto longest_pause = 64ms;  // between two looks at what is confirmed
constexpr std::size_t most_discarded = 256 << 10, longest_record = 16 << 10;
constexpr auto goodbye_time = 2s;
constexpr auto too_many = "too many ask at once: ask again";
constexpr auto plain_text = "text/plain; charset=utf-8";
constexpr std::size_t longest_refusal = 198;  // bytes: what a device's console shows of it

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::error_code read_whole(const storage::File& file, std::span<std::byte> into, std::uint64_t offset,
                           bool& changed) {
  const std::array<std::span<std::byte>, 1> piece{into};
  const auto got = file.read(piece, offset);
  if (!got) return got.error();
  changed = *got < into.size();
  return {};
}

unsigned status_of(const storage::Miss& miss) {
  switch (miss.cause) {
    case storage::Cause::unreadable:
    case storage::Cause::read_refused:
    case storage::Cause::leads_out:
      return 403;
    default:
      return 404;
  }
}

}  // namespace

ImageConnection::ImageConnection(std::shared_ptr<ImageCommon> common, ByteStream stream,
                                 const net::ip::address& client, Shares::Share place)
    : common_(std::move(common)),
      stream_(std::move(stream)),
      address_(client),
      client_(client.to_string()),
      place_(std::move(place)),
      timer_(common_->loop),
      pause_(common_->loop) {
  error_code ignored;
  stream_.socket().set_option(tcp::no_delay(true), ignored);
}

void ImageConnection::start(std::function<void()> on_end) {
  net::co_spawn(common_->loop, run(),
                [self = shared_from_this(), end = std::move(on_end)](const std::exception_ptr& error) {
                  self->timer_.cancel();
                  end();
                  if (!error) return;
                  self->common_->events.warn_rarely(
                      Warning::broken_off, "a connection over HTTP broke off: the server is short of memory");
                });
}

void ImageConnection::drain() {
  draining_ = true;
  if (idle_) cancel();
}

void ImageConnection::stop() {
  stopped_ = Cause::shutdown;
  cancel();
}

void ImageConnection::stop_by_administrator() {
  stopped_ = Cause::stopped;
  cancel();
}

Moved ImageConnection::moved() const { return {bytes_taken(), 0, moved_at_}; }

// ---- waiting

void ImageConnection::cancel() {
  error_code ignored;
  stream_.socket().cancel(ignored);
  pause_.cancel();
}

void ImageConnection::expect_within(Clock::duration time) {
  deadline_ = Clock::now() + time;
  if (deadline_ < armed_for_) watch();
}

// One timer that is moved back only when it fires: a transfer in full swing never touches it.
void ImageConnection::watch() {
  armed_for_ = deadline_;
  timer_.expires_at(armed_for_);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    const auto now = Clock::now();
    // A slow disk is not the client's fault.
    if (self->waiting_ && now >= self->deadline_) {
      self->timed_out_ = true;
      return self->cancel();
    }
    self->deadline_ = std::max(self->deadline_, now + 1s);
    self->watch();
  });
}

net::awaitable<bool> ImageConnection::wait(tcp::socket::wait_type what) {
  if (is_over()) co_return false;
  waiting_ = true;
  const auto [error] = co_await stream_.socket().async_wait(what, net::as_tuple(net::use_awaitable));
  waiting_ = false;
  co_return !error && !is_over();
}

// False: nothing more goes over this connection.
net::awaitable<bool> ImageConnection::wait_after(ByteStream::State state) {
  using enum ByteStream::State;
  if (state == fine) co_return !is_over();
  if (state == wants_read) co_return co_await wait(tcp::socket::wait_read);
  if (state == wants_write) co_return co_await wait(tcp::socket::wait_write);
  co_return false;
}

net::awaitable<bool> ImageConnection::write_all(std::string_view text) {
  auto rest = std::as_bytes(std::span(text));
  expect_within(idle_time);
  while (!rest.empty()) {
    const auto [state, bytes] = stream_.write(rest);
    rest = rest.subspan(bytes);
    if (!co_await wait_after(state)) co_return false;
  }
  co_return true;
}

// ---- requests

net::awaitable<void> ImageConnection::run() {
  // Several are accepted at a time, and what each has sent by then takes a turn of its own.
  co_await net::post(common_->loop, net::use_awaitable);
  bool more = true, spoke = false;
  if (stream_.is_tls()) more = co_await shake_hands();
  while (more) {
    const auto asked = co_await next_request();
    if (!asked) break;
    more = co_await answer(*asked);
    spoke = true;
  }
  if (spoke && !is_over()) co_await say_goodbye();
  error_code ignored;
  stream_.socket().close(ignored);
}

net::awaitable<bool> ImageConnection::shake_hands() {
  const auto share = common_->handshakes.take(address_);
  if (!share) co_return false;
  expect_within(header_time);
  auto state = ByteStream::State::wants_read;
  while (state != ByteStream::State::fine) {
    if (!co_await wait_after(state)) co_return false;
    const auto shake = [this] { return stream_.shake_hands(); };
    state = co_await common_->lanes.negotiating.run(shake);
  }
  co_return true;
}

net::awaitable<std::optional<ImageConnection::Asked>> ImageConnection::next_request() {
  bool begun = false;
  expect_within(number_ == 0 ? header_time : idle_time);
  for (;;) {
    if (auto next = reader_.next()) co_return std::move(*next);
    if (reader_.has_begun() && !std::exchange(begun, true)) expect_within(header_time);
    if (draining_ && !begun) co_return std::nullopt;
    const auto [state, bytes] = stream_.read(reader_.room());
    reader_.took(bytes);
    idle_ = !begun && bytes == 0;
    const bool more = co_await wait_after(state);
    idle_ = false;
    if (!more) co_return std::nullopt;
  }
}

// False: the connection ends.
net::awaitable<bool> ImageConnection::answer(const Asked& asked) {
  number_ = common_->events.next_number();
  asked_.clear();
  request_ = asked.value_or(ImageRequest{});
  keep_ = asked && request_.keep_alive && !draining_;
  if (!asked) co_return co_await refuse(asked.error().status, asked.error().why);
  asked_ = request_.target;
  const auto& tftp = common_->settings->tftp;
  if (const auto limit = common_->rate.knock(address_, tftp, Clock::now()))
    co_return co_await limited(*limit);
  if (request_.method != "GET" && request_.method != "HEAD") {
    keep_ = false;
    co_return co_await refuse(405, "images are fetched with GET or HEAD", "Allow: GET, HEAD");
  }
  co_return co_await answer_target(request_.target);
}

net::awaitable<bool> ImageConnection::answer_target(const std::string& text) {
  auto target = protocols::http::parse_target(text);
  if (!target || target->name.size() > longest_name)
    co_return co_await refuse(400, "the target is not the path of an image, of at most 1024 bytes");
  asked_ = std::move(target->name);
  const bool as_folder = asked_.ends_with('/');
  if (as_folder)
    if (const auto sent = co_await send_list(asked_, target->query)) co_return *sent;
  const std::function<bool()> wanted = [this] { return !is_over(); };
  auto named = asked_over(event::Protocol::http, *common_->settings, asked_);
  auto found = co_await common_->finder.find(std::move(named), address_, wanted);
  if (!found) co_return co_await refuse(503, too_many, "Retry-After: 1");
  if (*found) co_return co_await send_found(std::move(**found));
  const auto& miss = found->error();
  if (miss.cause == storage::Cause::is_directory && !as_folder)
    if (const auto sent = co_await send_list(asked_, target->query)) co_return *sent;
  co_return co_await refuse(miss);
}

// Nothing where there is no such folder, or no name of it is told.
net::awaitable<std::optional<bool>> ImageConnection::send_list(const std::string& name,
                                                               const std::string& query) {
  const auto folder = storage::Path::parse(name, storage::AboveRoot::refused);
  const bool is_root = name.find_first_not_of('/') == name.npos;
  if (!common_->settings->http.index || (!folder && !is_root)) co_return std::nullopt;
  const bool json = query == "json";
  const auto list = [&depot = common_->library.depot, json, path = folder.value_or(storage::Path()),
                     uploads = common_->settings->tftp.read_uploads]() -> std::optional<std::string> {
    const auto names = names_in(depot, path, uploads);
    if (!names) return {};
    return json ? json_of(*names) : html_of(*names);
  };
  auto share = common_->lists.take(address_);
  if (!share) co_return co_await refuse(503, too_many, "Retry-After: 1");
  const auto body = co_await common_->lanes.disk.run(list);
  share.reset();
  if (!body) co_return std::nullopt;
  tell_requested({});
  tell_answered(200, reason_of(200));
  const auto* const type = json ? "application/json" : "text/html; charset=utf-8";
  const auto reply = reply_with(200, type, *body, request_, keep_, seconds_now());
  const bool sent = co_await write_all(reply);
  co_return sent&& keep_;
}

net::awaitable<bool> ImageConnection::refuse(const storage::Miss& miss) {
  const auto status = status_of(miss);
  const auto code = status == 403 ? tftp::ErrorCode::access_denied : tftp::ErrorCode::file_not_found;
  tell_requested({});
  const auto text = console_text(code, miss);
  tell_answered(status, reason_of(status));
  const bool sent = co_await send_refusal(status, text);
  common_->events.emit(event::Missed{number_, event::Protocol::http, client_, asked_, miss});
  co_return sent;
}

net::awaitable<bool> ImageConnection::refuse(unsigned status, std::string_view why, std::string_view header) {
  tell_answered(status, why);
  co_return co_await send_refusal(status, why, header);
}

net::awaitable<bool> ImageConnection::send_refusal(unsigned status, std::string_view why,
                                                   std::string_view header) {
  const auto line = bounded_line(escaped(why, whole), longest_refusal) + "\n";
  const auto reply = reply_with(status, plain_text, line, request_, keep_, seconds_now(), header);
  const bool sent = co_await write_all(reply);
  co_return sent&& keep_;
}

net::awaitable<bool> ImageConnection::limited(event::Limit limit) {
  const bool slower = limit == event::Limit::requests_per_second;
  common_->events.emit(event::HttpLimited{number_, client_, asked_, limit, slower ? 429U : 403U});
  const auto reply =
      slower ? reply_with(429, plain_text, "too many requests a second from there: ask again\n", request_,
                          false, seconds_now(), "Retry-After: 1")
             : reply_with(403, plain_text, "this address is not served\n", request_, false, seconds_now());
  co_await write_all(reply);
  co_return false;
}

void ImageConnection::tell_requested(std::optional<event::Remapped> remapped) const {
  common_->events.emit(event::HttpRequested{number_, client_, request_.method, asked_, std::move(remapped)});
}

void ImageConnection::tell_answered(unsigned status, std::string_view what) const {
  common_->events.emit(event::HttpAnswered{number_, client_, status, std::string(what)});
}

// ---- a file

net::awaitable<bool> ImageConnection::send_found(storage::Found found) {
  const auto digest = [&digests = common_->digests, path = found.path, file = found.file.at_open()] {
    return digests.sha256_of(path, file);
  };
  auto sha256 = co_await common_->lanes.disk.run(digest);
  const ServedFile file{std::string(found.path.name()), found.file.at_open(), std::move(sha256).value_or("")};
  const auto reply = reply_with(file, request_, keep_, seconds_now());
  const auto path = found.path.text();
  tell_requested(found.rule == storage::Rule::exact ? std::nullopt
                                                    : std::optional(event::Remapped{path, found.rule}));
  auto opened = std::make_shared<const storage::File>(std::move(found.file));
  // To close a file may wait for its disk too.
  const std::shared_ptr<void> close(nullptr, [&opened, &lane = common_->lanes.disk](auto) {
    succeeds(
        [&] { lane.post([held = std::move(opened)]() mutable { const auto dropped = std::move(held); }); });
  });
  const bool is_transfer = request_.method == "GET" && (reply.status == 200 || reply.status == 206);
  if (!is_transfer) {
    tell_answered(reply.status, reason_of(reply.status));
    const bool sent = co_await write_all(reply.head);
    co_return sent&& keep_;
  }
  file_ = opened;
  body_ = reply.body;
  at_ = body_.first;
  known_until_ = 0;
  began_ = moved_at_ = Clock::now();
  running_ = common_->running.add(
      {number_, event::Protocol::http, client_, {}, asked_, path, false, file.attributes.size}, *this);
  running_.begin();
  Ending how{Cause::broke_off};
  std::exception_ptr error;
  try {
    how = co_await deliver(reply.head);
  } catch (...) {
    error = std::current_exception();
  }
  const bool whole = how.cause == Cause::complete;
  tell_ended(std::move(how), reply, path, path + " " + etag_of(file));
  if (error) std::rethrow_exception(error);
  co_return whole&& keep_;
}

void ImageConnection::tell_ended(Ending how, const ImageReply& reply, const std::string& path,
                                 const std::string& version) {
  const auto size = file_->at_open().size;
  const auto bytes = how.cause == Cause::complete ? body_.size : bytes_taken();
  const std::chrono::duration<double> took = Clock::now() - began_;
  const bool joined = common_->joined.add(client_, version, {body_.first, bytes}, size);
  if (how.cause == Cause::complete && body_.size < size && !joined) how.cause = Cause::partly_read;
  running_ = {};
  file_.reset();
  buffer_ = {};
  buffered_ = 0;
  event::TransferEnded ended{number_, event::Protocol::http, client_,       {}, asked_, path, false, size,
                             bytes,   took.count(),          std::move(how)};
  ended.http = event::HttpDetails{reply.status, reply.body.first};
  common_->events.emit(ended);
}

net::awaitable<ImageConnection::Ending> ImageConnection::deliver(const std::string& head) {
  if (!co_await write_all(head)) co_return lost();
  if (auto fault = co_await send_body()) {
    keep_ = false;
    // The client must not take what it has for the whole file: it sees the connection end too early.
    co_return std::move(*fault);
  }
  if (!keep_) {
    said_end_ = true;
    stream_.end_sending();
  }
  co_return co_await confirmed();
}

net::awaitable<std::optional<ImageConnection::Ending>> ImageConnection::send_body() {
  int slices = 0;
  auto turn_began = Clock::now();
  while (at_ < body_.end()) {
    if (is_over()) co_return lost();
    if (slices++ == most_slices || Clock::now() - turn_began >= longest_turn) {
      slices = 1;
      co_await net::post(common_->loop, net::use_awaitable);
      turn_began = Clock::now();
    }
    const auto left = body_.end() - at_;
    std::optional<Ending> fault;
    if (buffered_ < buffer_.size()) {
      fault = co_await send_buffered();
    } else if (left <= portion) {
      fault = co_await fill(left, true);
    } else if (stream_.is_tls()) {
      fault = co_await fill(std::min(portion, left - portion), false);
    } else {
      fault = co_await send_slice(std::min(most_asked, left - portion));
    }
    if (fault) co_return fault;
  }
  co_return std::nullopt;
}

net::awaitable<std::optional<ImageConnection::Ending>> ImageConnection::send_buffered() {
  const auto [state, bytes] = stream_.write(std::span(buffer_).subspan(buffered_));
  buffered_ += bytes;
  at_ += bytes;
  if (bytes > 0) {
    moved_at_ = Clock::now();
    expect_within(idle_time);
  }
  if (buffered_ == buffer_.size()) buffer_.clear(), buffered_ = 0;
  if (!co_await wait_after(state)) co_return lost();
  co_return std::nullopt;
}

// By the system, where that waits for no disk.
net::awaitable<std::optional<ImageConnection::Ending>> ImageConnection::send_slice(std::uint64_t most) {
  if (!is_in_memory(most)) {
    if (!co_await wait(tcp::socket::wait_write)) co_return lost();
    // What does not stay in memory, or where nobody says what does, goes through this process.
    if (std::exchange(prefetched_, true)) co_return co_await fill(std::min(portion, most), false);
    co_return co_await prefetch(most);
  }
  prefetched_ = false;
  std::error_code error;
  const auto sent = send_file(stream_.handle(), *file_, at_, std::min(slice, known_until_ - at_), error);
  at_ += sent;
  if (sent > 0) {
    moved_at_ = Clock::now();
    expect_within(idle_time);
    co_return std::nullopt;
  }
  if (!error) co_return Ending{Cause::file_changed};
  if (error == std::errc::io_error) co_return Ending{Cause::unreadable, 0, error.message()};
  const bool full = error == std::errc::operation_would_block;
  if (!full || !co_await wait(tcp::socket::wait_write)) co_return lost();
  co_return std::nullopt;
}

bool ImageConnection::is_in_memory(std::uint64_t size) {
  const auto now = Clock::now();
  if (at_ < known_until_ && now - known_at_ < known_for) return true;
  if (!file_->is_cached(at_, size)) return false;
  known_until_ = at_ + size;
  known_at_ = now;
  return true;
}

net::awaitable<std::optional<ImageConnection::Ending>> ImageConnection::prefetch(std::uint64_t size) {
  const auto read = [file = file_, at = at_, size] {
    Filled filled;
    std::vector<std::byte> scratch(portion);
    for (std::uint64_t done = 0; done < size && !filled.error && !filled.changed; done += scratch.size()) {
      scratch.resize(std::min<std::uint64_t>(scratch.size(), size - done));
      filled.error = read_whole(*file, scratch, at + done, filled.changed);
    }
    return filled;
  };
  const auto filled = co_await common_->lanes.content.run(read);
  if (filled.error) co_return Ending{Cause::unreadable, 0, filled.error.message()};
  if (filled.changed) co_return Ending{Cause::file_changed};
  co_return std::nullopt;
}

// `last`: after these bytes nothing is sent, so that the file is looked at again. What was read before that
// look is what the file was when it was opened.
net::awaitable<std::optional<ImageConnection::Ending>> ImageConnection::fill(std::uint64_t size, bool last) {
  if (!last) {
    buffer_.resize(size);
    const std::array<std::span<std::byte>, 1> piece{buffer_};
    const auto got = file_->read_cached(piece, at_);
    if (got && *got == size) co_return std::nullopt;
    buffer_.clear();
  }
  const auto read = [file = file_, at = at_, size, last] {
    Filled filled;
    filled.bytes.resize(size);
    filled.error = read_whole(*file, filled.bytes, at, filled.changed);
    if (!last || filled.error || filled.changed) return filled;
    const auto same = storage::expect_unchanged(*file);
    filled.changed = !same && storage::is_file_changed(same.error());
    if (!same && !filled.changed) filled.error = same.error();
    return filled;
  };
  // The end of a file in memory must not wait for reads of a slow disk.
  auto& lane = last && file_->is_cached(at_, size) ? common_->lanes.disk : common_->lanes.content;
  auto filled = co_await lane.run(read);
  if (filled.error) co_return Ending{Cause::unreadable, 0, filled.error.message()};
  if (filled.changed) co_return Ending{Cause::file_changed};
  buffer_ = std::move(filled.bytes);
  buffered_ = 0;
  co_return std::nullopt;
}

// The system takes megabytes before the client has any: a file arrived once the client has confirmed it.
net::awaitable<ImageConnection::Ending> ImageConnection::confirmed() {
  const auto handle = stream_.handle();
  auto pause = std::chrono::milliseconds(1);
  auto before = std::size_t{0};
  for (;;) {
    if (is_over()) co_return lost();
    const auto open = unconfirmed_bytes(handle).value_or(0);
    if (open == 0) co_return Ending{};
    const auto now = Clock::now();
    if (open != before) {
      moved_at_ = now;
      expect_within(idle_time);
    }
    before = open;
    char byte = 0;
    error_code error;
    stream_.socket().receive(net::buffer(&byte, 1), tcp::socket::message_peek, error);
    if (error && error != net::error::would_block && error != net::error::eof) co_return lost();
    pause_.expires_after(pause);
    waiting_ = true;
    co_await pause_.async_wait(net::as_tuple(net::use_awaitable));
    waiting_ = false;
    pause = std::min<std::chrono::milliseconds>(pause * 2, longest_pause);
  }
}

std::uint64_t ImageConnection::bytes_taken() const {
  if (!file_) return 0;
  const auto sent = at_ - body_.first;
  const auto open = unconfirmed_bytes(stream_.handle()).value_or(0);
  return sent - std::min<std::uint64_t>(sent, open);
}

ImageConnection::Ending ImageConnection::lost() const {
  if (stopped_) return {*stopped_};
  return {timed_out_ ? Cause::silence : Cause::disconnected};
}

// What the client still sends would make the system throw away the answer to what it has sent before. A turn
// for each read: to make room for more is to take it from a client on this host, at once.
net::awaitable<void> ImageConnection::say_goodbye() {
  if (!said_end_) stream_.end_sending();
  expect_within(goodbye_time);
  std::vector<std::byte> rest(longest_record);
  for (std::size_t discarded = 0; discarded < most_discarded;) {
    const auto [state, bytes] = stream_.read(rest);
    discarded += bytes;
    if (state != ByteStream::State::fine && state != ByteStream::State::wants_read) co_return;
    if (!co_await wait(tcp::socket::wait_read)) co_return;
  }
}

}  // namespace server::http
