#include "server/ssh/session.hpp"

#include <fmt/format.h>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/ssh.hpp"
#include "server/loop/client_network.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/succeeds.hpp"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Ear = SshNegotiation::Ear;

// Before what came is worked at. libssh reads 4 KiB a poll.
constexpr int polls_at_once = 16;
// Each answer makes libssh read again, and what it reads may be a hundred requests more: without a bound a
// client that reads no answers fills the memory with requests. sshd's client sends a few ahead.
constexpr std::size_t most_requests_ahead = 2000;
constexpr auto watch_period = 15s;

}  // namespace

// Whatever is thrown in here costs this connection alone: it ends.
template <class Work>
void SshSession::guard(Work work) noexcept {
  const auto self = shared_from_this();
  in_turn_ = true;
  short_of_memory_ |= !succeeds(work);
  // While a worker has the session it must not end: polled() ends it.
  if (short_of_memory_ && !away_) over_ |= !succeeds([this] { end(out_of_memory); });
  in_turn_ = false;
  if (over_) return wind_up();
  if (again_) wake();
}

SshSession::SshSession(std::shared_ptr<SshCommon> common, SshPlace place, std::uint64_t number,
                       const tcp::endpoint& client, Ended ended)
    : common_(std::move(common)),
      place_(std::move(place)),
      number_(number),
      source_(client_network(client.address())),
      client_(client.address().to_string()),
      ended_(std::move(ended)),
      grace_(common_->loop),
      watch_(common_->loop),
      transport_(common_->loop, [this] { wake(); }),
      login_(*common_, place_, number, client),
      channels_(*common_, *this, transport_, login_) {}

bool SshSession::start(ssh_bind bind, SocketHandle socket) {
  if (!transport_.start(bind, socket, common_->settings->ssh.rekey_limit)) return false;
  ssh_set_auth_methods(transport_.session(), SshLogin::methods);
  grace_.expires_after(common_->settings->ssh.login_grace);
  await_login();
  watch();
  wake();
  return true;
}

// ---- turns

void SshSession::wake() noexcept {
  again_ = true;
  if (wound_up_ || queued_ || in_turn_ || away_) return;
  again_ = false;
  queued_ = succeeds([this] { common_->turns.ask(source_, shared_from_this()); });
  if (!queued_) starve();
}

void SshSession::starve() noexcept {
  short_of_memory_ = true;
  if (!in_turn_ && !away_ && !over_) guard([] {});
}

void SshSession::take_turn(SshTurns::Time end) noexcept {
  queued_ = again_ = false;
  guard([this, end] { service(end); });
}

void SshSession::service(SshTurns::Time end) {
  if (away_ || logging_in_ || over_) return;
  const Ear ear(transport_.negotiation(), Ear::For::exchanges);
  if (!std::exchange(fresh_, false) && transport_.wants_poll(may_read())) {
    if (is_a_workers()) return poll_elsewhere();
    poll_here(end);
  }
  channels_.count_held();
  note_what_was_heard();
  if (!over_ && !login_.hopeless().empty()) return this->end(login_.hopeless());
  if (over_) return;
  if (auto fault = transport_.misconduct(login_.user().has_value())) return this->end(std::move(*fault));
  bool more = false;
  auto read = transport_.packets();
  charge([&] {
    handle_messages(end);
    count_held();
    read = transport_.packets();
    more = !logging_in_ && !over_ && channels_.serve(end);
  });
  if (over_ || logging_in_) return;
  // Nothing would be read or sent any more.
  if (backlogged() && transport_.inbox_is_full())
    return this->end("requests that wait, and answers that nobody takes");
  if (!login_.hopeless().empty()) return this->end(login_.hopeless());
  const auto fault = transport_.error();
  if (transport_.dead() || (!login_.user() && leaves_the_client_waiting(fault))) return this->end(fault);
  // Writing reads as well: a message may wait, or something for a channel whose turn is over.
  more |= transport_.packets() != read || transport_.wants_poll(may_read()) ||
          (transport_.messages() > 0 && may_handle());
  if (draining_ && idle() && !more) return stop();
  more ? wake() : transport_.wait(may_read(), shared_from_this());
}

// The step of a key exchange that costs may be what libssh reads while it writes.
template <class Work>
void SshSession::charge(Work work) {
  const auto began = Clock::now();
  const auto agreements = transport_.negotiation().agreements();
  work();
  const auto now = Clock::now();
  if (transport_.negotiation().agreements() != agreements) common_->costs.took(source_, now - began, now);
}

// ---- reading

// What is not read is not answered either, and libssh keeps neither messages nor answers without bound:
// nothing is read while a message waits.
bool SshSession::may_read() const {
  return !transport_.negotiation().complete() ||
         (transport_.messages() == 0 && !backlogged());  // else a worker calls us
}

bool SshSession::is_a_workers() const {
  return !login_.user() || !transport_.negotiation().complete() ||
         common_->costs.are_high(source_, Clock::now());
}

void SshSession::poll_elsewhere() {
  const auto what = login_.user() ? Ear::For::exchanges : Ear::For::logins;
  away_ = true;
  try {
    common_->polls.run(
        source_,
        [&transport = transport_, what] {
          const Ear ear(transport.negotiation(), what);
          return transport.poll();
        },
        [self = shared_from_this()](const std::optional<Polled>& polled) { self->polled(polled); });
  } catch (const std::exception&) {
    away_ = false;
    throw;
  }
}

void SshSession::polled(const std::optional<Polled>& polled) {
  away_ = false;
  guard([&] {
    if (!polled) return end(out_of_memory);
    if (put_off_) return end(*put_off_);
    common_->costs.took(source_, polled->time, Clock::now());
    transport_.note(*polled);
    fresh_ = true;
    wake();
  });
  for (auto& then : when_free_) when_free(std::move(then));
  when_free_.clear();
}

void SshSession::when_free(std::move_only_function<void()> then) {
  if (away_) return when_free_.push_back(std::move(then));
  guard([&] {
    const Ear ear(transport_.negotiation(), Ear::For::exchanges);  // what it sends makes libssh read
    charge([&] { then(); });
  });
}

void SshSession::poll_here(SshTurns::Time end) {
  for (int i = 0; i < polls_at_once; ++i) {
    const auto polled = transport_.poll();
    const auto now = Clock::now();
    common_->costs.took(source_, polled.time, now);
    transport_.note(polled);
    if (polled.result != Polled::Result::moved || !transport_.may_write() || transport_.messages() > 0 ||
        now >= end)
      return;
  }
}

// Told of a client that is gone already, too.
void SshSession::note_what_was_heard() {
  auto& negotiation = transport_.negotiation();
  if (transport_.is_newly_encrypted())
    common_->events.emit(negotiation.told(login_.peer(transport_.session())));
  for (const auto& name : negotiation.take_forged()) login_.forged(name);
  for (const auto& name : transport_.take_refused()) login_.refused_by_libssh(name);
}

// ---- messages

void SshSession::handle_messages(SshTurns::Time end) {
  while (transport_.messages() > 0 && !logging_in_ && !over_ && may_handle()) {
    if (transport_.messages() > most_requests_ahead)
      return this->end(
          fmt::format("more than {} requests without waiting for an answer", most_requests_ahead));
    handle(transport_.take_message());
    transport_.measure();
    if (Clock::now() >= end) return;
  }
}

void SshSession::handle(ssh::Message message) {
  switch (ssh_message_type(message.get())) {
    case SSH_REQUEST_AUTH:
      return log_in(std::move(message));
    case SSH_REQUEST_CHANNEL_OPEN:
      channels_.open(message.get());
      return when_free_.reserve(channels_.size());  // each may wait for one worker
    case SSH_REQUEST_CHANNEL:
      return channels_.request(std::move(message));
    case SSH_REQUEST_SERVICE:
      transport_.discount();  // only the first one serves a purpose
      [[fallthrough]];
    case SSH_REQUEST_GLOBAL:  // port forwarding, keep-alives
    default:
      ssh_message_reply_default(message.get());
  }
}

void SshSession::log_in(ssh::Message message) {
  const auto done = [self = shared_from_this()] {
    self->logging_in_ = false;
    if (self->login_.user()) self->grace_.cancel();
    self->wake();
  };
  logging_in_ = true;  // it may be done at once
  if (!login_.handle(transport_.session(), std::move(message), done)) logging_in_ = false;
}

// ---- bounds

// Writing reads as well: the step of an exchange that costs may be what is read next.
bool SshSession::may_send() const {
  if (!transport_.may_write() || transport_.inbox_is_full()) return false;
  return !common_->costs.are_high(source_, Clock::now()) || !transport_.readable();
}

bool SshSession::may_handle() const { return transport_.may_write() && !backlogged(); }

// Unless what the client sends next is what they wait for.
bool SshSession::backlogged() const { return use_ && use_->holds_enough() && channels_.busy(); }

const std::shared_ptr<ConnectionUse>& SshSession::use() {
  if (use_) return use_;
  use_ = std::make_shared<ConnectionUse>(
      common_->open_files, common_->held_bytes, net::ip::make_address(client_), login_.user()->name, [this] {
        net::post(common_->loop, [self = shared_from_this()] {
          self->guard([&] { self->end("all connections together hold too much, and this one holds most"); });
        });
      });
  return use_;
}

// Requests that wait, and what libssh holds, count like the bytes of channels: an address may open many
// connections.
void SshSession::count_held() {
  const auto now = transport_.held();
  const auto kept = transport_.kept() + channels_.kept();
  const bool is_little = now == 0 && held_ == 0 && kept <= ConnectionUse::usual_buffers;
  if (!login_.user() || (is_little && !use_)) return;
  const auto before = std::exchange(held_, now);
  use()->hold(before, now);
  use_->keep_for_input(kept);
}

// ---- its time and its end

// The time that our own workers take is not the client's.
void SshSession::await_login() {
  grace_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->login_.user() || self->over_) return;
    self->guard([&] {
      if (!self->logging_in_) return self->end("Timeout before authentication");
      self->grace_.expires_after(1s);
      self->await_login();
    });
  });
}

// While a worker has the session it does not stand still.
void SshSession::watch() {
  watch_.expires_after(watch_period);
  watch_.async_wait([self = shared_from_this()](error_code error) {
    if (error || self->over_) return;
    self->guard([&] {
      self->watch();
      if (self->away_) return;
      if (auto fault = self->transport_.standstill(self->login_.user().has_value()))
        self->end(std::move(*fault));
    });
  });
}

void SshSession::stop() noexcept {
  code_ = ssh::Disconnect::by_application;
  if (!succeeds([this] { end("the server is shutting down"); })) starve();
}

void SshSession::drain() noexcept {
  draining_ = true;
  if (idle()) stop();
}

void SshSession::end(std::string why) {
  if (away_) {  // a worker has the session
    if (!put_off_) put_off_ = std::move(why);
    return;
  }
  if (over_) return;
  if (!in_turn_) return guard([&] { end(std::move(why)); });
  over_ = true;
  channels_.detach(cause_of_end(why), why);
  // A port scanner or a load balancer's health check says nothing; that is worth a line at debug only.
  const auto peer = login_.peer(transport_.session());
  const bool silent = peer.banner.empty();
  if (is_ours(why)) farewell_ = why;
  if (silent) return common_->events.emit(event::SshProbed{number_, client_});
  ending_ = ending(peer, why, common_->settings->ssh);
  if (const auto* const found = std::get_if<event::SshMismatched>(&*ending_)) {
    farewell_ = fmt::format("no matching {} found. This server offers: {}", found->kind, found->ours);
  }
  // Where the server ends, the loop may not last until its channels have told all that was open.
  while (code_ == ssh::Disconnect::by_application && channels_.tells() &&
         channels_.detach(cause_of_end(why), why)) {
  }
  tell_end();
}

void SshSession::tell_end() {
  if (!ending_ || channels_.tells()) return;
  std::visit([this](const auto& each) { common_->events.emit(each); }, *ending_);
  ending_.reset();
}

// Outside of whatever libssh function may have called us.
void SshSession::wind_up() noexcept {
  if (std::exchange(wound_up_, true)) return;
  channels_.detach(protocols::Cause::connection_lost, {});
  succeeds([this] {
    grace_.cancel();
    watch_.cancel();
    login_.close();
  });
  if (use_) use_->hold(std::exchange(held_, 0), 0);
  transport_.close(code_, farewell_);
  ended_(*this);
}

}  // namespace server
