#include "server/http/image_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "conf/settings.hpp"
#include "protocols/http/target.hpp"
#include "protocols/tftp/packet.hpp"
#include "server/events/events.hpp"
#include "server/events/http.hpp"
#include "server/events/tftp.hpp"
#include "server/events/warning.hpp"
#include "server/http/image_list.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/succeeds.hpp"
#include "server/text/escape.hpp"
#include "server/text/miss_text.hpp"

namespace server::http {
namespace {

using protocols::Cause;

constexpr std::size_t longest_name = 1024;
constexpr auto too_many = "too many ask at once: ask again";
constexpr auto plain_text = "text/plain; charset=utf-8";
constexpr std::size_t longest_refusal = 198;  // bytes: what a device's console shows of it

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
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
      stream_(std::make_shared<PatientStream>(common_->loop, std::move(stream))),
      address_(client),
      client_(client.to_string()),
      place_(std::move(place)) {}

void ImageConnection::start(std::function<void()> on_end) {
  net::co_spawn(common_->loop, run(),
                [self = shared_from_this(), end = std::move(on_end)](const std::exception_ptr& error) {
                  self->stream_->close();
                  end();
                  if (!error) return;
                  self->common_->events.warn_rarely(
                      Warning::broken_off, "a connection over HTTP broke off: the server is short of memory");
                });
}

void ImageConnection::drain() {
  draining_ = true;
  if (idle_) stream_->interrupt();
}

void ImageConnection::stop() { stream_->stop(Cause::shutdown); }
void ImageConnection::stop_by_administrator() { stream_->stop(Cause::stopped); }

Moved ImageConnection::moved() const { return {delivery_->bytes_taken(), 0, delivery_->moved_at()}; }

// ---- requests

net::awaitable<void> ImageConnection::run() {
  // Several are accepted at a time, and what each has sent by then takes a turn of its own.
  co_await net::post(common_->loop, net::use_awaitable);
  bool more = true, spoke = false;
  if (stream_->bytes().is_tls()) more = co_await shake_hands();
  while (more) {
    const auto asked = co_await next_request();
    if (!asked) break;
    more = co_await answer(*asked);
    spoke = true;
    // What it has sent by now takes a turn of its own.
    if (more) co_await net::post(common_->loop, net::use_awaitable);
  }
  if (spoke && !stream_->is_over()) co_await stream_->say_goodbye();
  stream_->close();
}

net::awaitable<bool> ImageConnection::shake_hands() {
  const auto share = common_->handshakes.take_and_leave(address_);
  if (!share) co_return false;
  stream_->expect_within(header_time);
  co_return co_await stream_->shake_hands(common_->lanes.negotiating);
}

net::awaitable<std::optional<ImageConnection::Asked>> ImageConnection::next_request() {
  bool begun = false;
  stream_->expect_within(number_ == 0 ? header_time : PatientStream::idle_time);
  for (;;) {
    if (auto next = reader_.next()) co_return std::move(*next);
    if (reader_.has_begun() && !std::exchange(begun, true)) stream_->expect_within(header_time);
    if (draining_ && !begun) co_return std::nullopt;
    const auto [state, bytes] = stream_->bytes().read(reader_.room());
    reader_.took(bytes);
    idle_ = !begun && bytes == 0;
    const bool more = co_await stream_->wait_after(state);
    idle_ = false;
    if (!more) co_return std::nullopt;
    // TLS may bring a byte at a time, and each costs as much as a packet.
    if (bytes > 0 && stream_->bytes().is_tls()) co_await net::post(common_->loop, net::use_awaitable);
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
  if (const auto limit = common_->rate.knock(address_, tftp, std::chrono::steady_clock::now()))
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
  const std::function<bool()> wanted = [this] { return !stream_->is_over(); };
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
  const auto body = co_await common_->lanes.finding.run(client_network(address_), list);
  share.reset();
  if (!body) co_return std::nullopt;
  const auto unsent = common_->unsent.take_many(address_, std::max<std::size_t>(body->size(), 1));
  if (!unsent) co_return co_await refuse(503, too_many, "Retry-After: 1");
  tell_requested();
  tell_answered(200, reason_of(200));
  const auto* const type = json ? "application/json" : "text/html; charset=utf-8";
  const auto head = head_with(200, type, body->size(), request_, keep_, seconds_now());
  bool sent = co_await stream_->write_all(head);
  if (sent && request_.method != "HEAD") sent = co_await stream_->write_all(*body);
  co_return sent&& keep_;
}

net::awaitable<bool> ImageConnection::refuse(const storage::Miss& miss) {
  const auto status = status_of(miss);
  const auto code = status == 403 ? tftp::ErrorCode::access_denied : tftp::ErrorCode::file_not_found;
  tell_requested();
  const auto text = console_text(code, miss, tftp::longest_error_text);
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
  const bool sent = co_await stream_->write_all(reply);
  co_return sent&& keep_;
}

net::awaitable<bool> ImageConnection::limited(event::Limit limit) {
  const bool slower = limit == event::Limit::requests_per_second;
  common_->events.emit(event::HttpLimited{number_, client_, asked_, limit, slower ? 429U : 403U});
  const auto reply =
      slower ? reply_with(429, plain_text, "too many requests a second from there: ask again\n", request_,
                          false, seconds_now(), "Retry-After: 1")
             : reply_with(403, plain_text, "this address is not served\n", request_, false, seconds_now());
  co_await stream_->write_all(reply);
  co_return false;
}

void ImageConnection::tell_requested(const event::Remapped* remapped) const {
  common_->events.emit(event::HttpRequested{number_, client_, request_.method, asked_, remapped});
}

void ImageConnection::tell_answered(unsigned status, std::string_view what) const {
  common_->events.emit(event::HttpAnswered{number_, client_, status, std::string(what)});
}

// ---- a file

net::awaitable<bool> ImageConnection::send_found(storage::Found found) {
  const auto digest = [&digests = common_->digests, path = found.path, file = found.file.at_open()] {
    return digests.sha256_of(path, file);
  };
  auto sha256 = co_await common_->lanes.finding.run(client_network(address_), digest);
  const ServedFile file{std::string(found.path.name()), found.file.at_open(), std::move(sha256).value_or("")};
  const auto reply = reply_with(file, request_, keep_, seconds_now());
  const auto path = found.path.text();
  const event::Remapped remapped{path, found.rule};
  tell_requested(found.rule == storage::Rule::exact ? nullptr : &remapped);
  auto opened = std::make_shared<const storage::File>(std::move(found.file));
  const std::shared_ptr<void> close(nullptr, [&opened, &closing = common_->lanes.closing](auto) {
    succeeds([&] { closing.add(std::move(opened)); });
  });
  const bool is_transfer = request_.method == "GET" && (reply.status == 200 || reply.status == 206);
  if (!is_transfer) {
    tell_answered(reply.status, reason_of(reply.status));
    const bool sent = co_await stream_->write_all(reply.head);
    co_return sent&& keep_;
  }
  delivery_.emplace(*common_, stream_, opened, reply.body, address_);
  began_ = std::chrono::steady_clock::now();
  running_ = common_->running.add(
      {number_, event::Protocol::http, client_, {}, asked_, path, false, file.attributes.size}, *this);
  running_.begin();
  Ending how{Cause::broke_off};
  std::exception_ptr error;
  try {
    how = co_await delivery_->run(reply.head, !keep_);
  } catch (...) {
    error = std::current_exception();
  }
  const bool whole = how.cause == Cause::complete;
  tell_ended(std::move(how), reply, path, file);
  if (error) std::rethrow_exception(error);
  // The client must not take what it has for the whole file: it sees the connection end too early.
  co_return whole&& keep_;
}

void ImageConnection::tell_ended(Ending how, const ImageReply& reply, const std::string& path,
                                 const ServedFile& file) {
  const auto size = file.attributes.size;
  const auto bytes = how.cause == Cause::complete ? reply.body.size : delivery_->bytes_taken();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
  const auto version = path + " " + etag_of(file);
  const bool joined = common_->joined.add(client_, version, {reply.body.first, bytes}, size);
  if (how.cause == Cause::complete && reply.body.size < size && !joined) how.cause = Cause::partly_read;
  running_ = {};
  delivery_.reset();
  event::TransferEnded ended{number_, event::Protocol::http, client_,       {}, asked_, path, false, size,
                             bytes,   took.count(),          std::move(how)};
  ended.http = event::HttpDetails{reply.status, reply.body.first};
  common_->events.emit(ended);
}

}  // namespace server::http
