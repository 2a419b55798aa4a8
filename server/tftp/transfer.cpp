#include "server/tftp/transfer.hpp"

#include <fmt/format.h>

#include <exception>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/protocol.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/events/warning.hpp"
#include "server/files/running.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/miss_text.hpp"

namespace server {
namespace {

tftp::Time now() { return std::chrono::steady_clock::now(); }

std::string what_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

TftpTransfer::TftpTransfer(TftpCommon& common, TftpAsked asked, TftpPlace place,
                           std::unique_ptr<TftpPort> port)
    : common_(common),
      asked_(std::move(asked)),
      id_(place.id()),
      place_(std::move(place)),
      port_(std::move(port)),
      began_(now()),
      timer_(common.loop) {
  port_->listen(*this);
}

void TftpTransfer::start(std::function<void()> on_answer, std::function<void()> on_end) {
  on_answer_ = std::move(on_answer);
  on_end_ = std::move(on_end);
  try {
    net::co_spawn(common_.loop, look_up(), [self = shared_from_this()](const std::exception_ptr& error) {
      if (error) return self->broke_off(what_of(error));
      if (!self->machine_) self->guarded([&] { self->close(); });
    });
  } catch (const std::exception&) {
    on_end_ = nullptr;
    throw;
  }
}

void TftpTransfer::broke_off(std::string_view why) noexcept {
  const auto hold = shared_from_this();
  stopped_ = true;
  try {
    if (machine_ && !told_end_) ended({tftp::Cause::broke_off, 0, std::string(why)});
  } catch (const std::exception&) {
    told_end_ = true;  // the warning below is all that can be said
  }
  try {
    close();
  } catch (const std::exception&) {
    // The place was given back before anything could fail; what a worker should have closed is closed here.
  }
  try {
    common_.events.warn_rarely(Warning::broken_off, fmt::format("a TFTP request broke off: {}", why));
  } catch (const std::exception&) {
    return;  // too little memory even to say so
  }
}

// The options are kept no longer than they are needed: they are the client's, as many as it likes.
void TftpTransfer::negotiate(std::uint64_t file_size, const tftp::Limits& limits) {
  negotiated_ = tftp::negotiate(asked_.request, file_size, limits);
  asked_.request.options = {};
}

void TftpTransfer::begin(std::unique_ptr<tftp::Transfer> machine, const storage::Path& path,
                         storage::Rule rule, std::optional<std::uint64_t> size) {
  path_ = path.text();
  size_ = size;
  const event::Remapped remapped{path_, rule};
  common_.events.emit(event::TftpRequested{asked_.number, asked_.client, asked_.request.filename,
                                           asked_.request.write,
                                           rule == storage::Rule::exact ? nullptr : &remapped});
  running_ = common_.running.add({asked_.number,
                                  event::Protocol::tftp,
                                  asked_.client,
                                  {},
                                  asked_.request.filename,
                                  path_,
                                  asked_.request.write,
                                  size_,
                                  negotiated_.block_size,
                                  negotiated_.window},
                                 *this);
  machine_ = std::move(machine);
  const auto at = now();
  place_->waits(at);
  go_on(at);
}

void TftpTransfer::refuse(const storage::Miss& miss) {
  const auto code = tftp::code_of(miss.error);
  if (!asked_.by_broadcast)
    send_packet(tftp::encode_error(
        code, console_text(code, miss, tftp::longest_error_text_for(asked_.request.size))));
  const auto what = fmt::format("{} {}", cause_name(miss.cause), asked_.request.filename);
  if (!common_.noisy.may_tell(asked_.client, asked_.number, NoisyClients::Kind::refused, what)) return;
  const auto& events = common_.events;
  events.emit(
      event::TftpRequested{asked_.number, asked_.client, asked_.request.filename, asked_.request.write, {}});
  events.emit(event::TftpRefused{asked_.number, asked_.client, code, asked_.by_broadcast});
  events.emit(
      event::Missed{asked_.number, event::Protocol::tftp, asked_.client, asked_.request.filename, miss});
}

void TftpTransfer::packet(std::span<const std::byte> bytes, tftp::Time now) {
  quiet_ = false;
  if (machine_) machine_->datagram(bytes, now);
}

void TftpTransfer::go_on(tftp::Time now) {
  if (!machine_ || closed_) return;
  if (hangs_ && machine_->tries() == 0) {
    hangs_ = false;
    place_->moves();
  }
  if (waiting_) return;
  if (!answered_ && machine_->answered()) {
    answered_ = true;
    running_.begin();
    if (place_) place_->answered();
    // A device that turns away what another has asked for in its name (ERROR 5) has chosen nothing.
    const auto tell = std::exchange(on_answer_, nullptr);
    if (tell && machine_->moved_on()) tell();
  }
  while (const auto action = machine_->poll()) {
    waiting_ = !perform_any(*action, now);
    if (waiting_) return;
  }
  if (!may_dally_ && machine_->ended()) machine_->end_dallying();
  if (machine_->over()) return close();
  if (machine_->deadline() < armed_for_) watch();
}

void TftpTransfer::resume() {
  if (closed_) return;
  const auto at = now();
  waiting_ = !resume_action(at);
  go_on(at);
}

bool TftpTransfer::perform_any(const tftp::Action& action, tftp::Time now) {
  if (const auto* finished = std::get_if<tftp::Finished>(&action)) {
    ended(*finished);
  } else if (const auto* error = std::get_if<tftp::SendError>(&action)) {
    send_packet(tftp::encode_error(error->code, error->text));
  } else if (const auto* ack = std::get_if<tftp::SendAck>(&action)) {
    send_packet(tftp::encode_ack(ack->number));
    machine_->sent(now);
  } else if (std::holds_alternative<tftp::SendOack>(action)) {
    send_packet(tftp::encode_oack(negotiated_));
    machine_->sent(now);
  } else {
    return perform(action, now);
  }
  return true;
}

std::size_t TftpTransfer::send(std::span<const std::byte> packets, std::size_t packet_size, bool& full) {
  if (quiet_) return 0;
  std::error_code error;
  const auto sent = port_->send(packets, packet_size, error);
  if (!error) return sent;  // comparisons with errc are not free, and this is every block's way
  if (error == std::errc::connection_refused && machine_) machine_->abandoned(tftp::Cause::port_closed);
  full = error == std::errc::operation_would_block || error == std::errc::no_buffer_space;
  return sent;
}

void TftpTransfer::send_packet(std::span<const std::byte> packet) {
  bool full_is_like_lost = false;
  send(packet, packet.size(), full_is_like_lost);
}

// One timer that is moved back only when it fires: a transfer in full swing never touches it.
void TftpTransfer::watch() {
  armed_for_ = machine_->deadline();
  timer_.expires_at(armed_for_);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->machine_->over()) return;
    self->guarded([&] { self->on_time(); });
  });
}

void TftpTransfer::on_time() {
  armed_for_ = tftp::Time::max();
  const auto at = now();
  const auto tries = machine_->tries();
  machine_->timeout(at);
  if (gives_way_ && machine_->tries() > tries) machine_->abandoned(tftp::Cause::new_request);
  if (!hangs_ && place_ && !machine_->over() && hangs()) {
    hangs_ = true;
    place_->hangs(machine_->last_answer());
  }
  go_on(at);
}

void TftpTransfer::give_way() {
  if (hangs()) return abandon(tftp::Cause::new_request);
  gives_way_ = true;
}

// A shorter one, in another's name, would draw more than three times its bytes.
void TftpTransfer::repeated(std::size_t size) {
  if (!machine_ || size < asked_.request.size) return;
  const auto at = now();
  machine_->repeated(at);
  go_on(at);
}

bool TftpTransfer::hangs(tftp::Time::duration so_long) const {
  if (!machine_ || machine_->ended()) return is_done();
  return machine_->answered() && machine_->tries() > 0 && is_silent(so_long);
}

bool TftpTransfer::is_unanswered(tftp::Time::duration so_long) const {
  return (!machine_ || !machine_->answered()) && is_silent(so_long);
}

bool TftpTransfer::is_silent(tftp::Time::duration so_long) const {
  return now() - (machine_ ? machine_->last_answer() : began_) >= so_long;
}

void TftpTransfer::refused() {
  if (machine_) machine_->abandoned(tftp::Cause::port_closed);
}

void TftpTransfer::abandon(tftp::Cause cause) {
  stopped_ = true;
  if (!machine_) return;
  machine_->abandoned(cause);
  go_on(now());
}

void TftpTransfer::stop() {
  stopped_ = true;
  if (!machine_) return;
  machine_->stop();
  go_on(now());
}

Moved TftpTransfer::moved() const { return {machine_->bytes(), machine_->resent(), machine_->last_answer()}; }

void TftpTransfer::stop_by_administrator() {
  const auto hold = shared_from_this();
  machine_->stop_by_administrator();
  guarded([this] { go_on(now()); });
}

void TftpTransfer::end_dallying() {
  may_dally_ = false;
  go_on(now());
}

// Who asked by broadcast takes the first answer, and tells the other servers so (ERROR 5), or says nothing.
void TftpTransfer::ended(tftp::Finished how) {
  told_end_ = true;
  running_ = {};
  const bool by_client = how.by() == protocols::EndedBy::client && how.cause != tftp::Cause::complete;
  const bool told_so = by_client && how.code == static_cast<int>(tftp::ErrorCode::unknown_transfer_id);
  const bool unheard = how.diagnosis == tftp::Diagnosis::nothing_came_back || told_so;
  if (asked_.by_broadcast && unheard && machine_->bytes() == 0) how = {tftp::Cause::other_server};
  if (!machine_->answered() &&
      !common_.noisy.may_tell(asked_.client, asked_.number, NoisyClients::Kind::unanswered, path_)) {
    return;
  }
  const std::chrono::duration<double> took = now() - began_;
  event::TransferEnded ended{asked_.number,           event::Protocol::tftp,
                             asked_.client,           {},
                             asked_.request.filename, path_,
                             asked_.request.write,    size_,
                             machine_->bytes(),       took.count(),
                             std::move(how)};
  ended.tftp = event::TftpDetails{.block_size = negotiated_.block_size,
                                  .window = negotiated_.window,
                                  .resent = machine_->resent(),
                                  .tries = machine_->tries(),
                                  .netascii = asked_.request.mode == tftp::Mode::netascii,
                                  .damages = damages_,
                                  .by_broadcast = asked_.by_broadcast,
                                  .single_port = common_.settings->tftp.single_port};
  common_.events.emit(ended);
}

void TftpTransfer::close() {
  timer_.cancel();
  on_answer_ = nullptr;
  const auto on_end = std::exchange(on_end_, nullptr);
  if (!on_end) return;
  closed_ = true;
  place_.reset();
  on_end();
  closed();
}

}  // namespace server
