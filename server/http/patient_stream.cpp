#include "server/http/patient_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace server::http {
namespace {

using namespace std::chrono_literals;
using protocols::Cause;

constexpr std::size_t most_discarded = 256 << 10, longest_record = 16 << 10;
constexpr std::size_t most_written = 64 << 10;  // in a turn: the system copies it, and TLS encrypts it
constexpr auto goodbye_time = 2s;

}  // namespace

PatientStream::PatientStream(net::io_context& loop, ByteStream stream)
    : stream_(std::move(stream)), timer_(loop), pause_(loop) {
  error_code ignored;
  stream_.socket().set_option(tcp::no_delay(true), ignored);
}

void PatientStream::expect_within(Clock::duration time) {
  deadline_ = Clock::now() + time;
  if (deadline_ < armed_for_) watch();
}

// One timer that is moved back only when it fires: a transfer in full swing never touches it.
void PatientStream::watch() {
  armed_for_ = deadline_;
  timer_.expires_at(armed_for_);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    const auto now = Clock::now();
    // A slow disk is not the client's fault.
    if (self->waiting_ && now >= self->deadline_) {
      self->timed_out_ = true;
      return self->interrupt();
    }
    self->deadline_ = std::max(self->deadline_, now + 1s);
    self->watch();
  });
}

net::awaitable<bool> PatientStream::wait(tcp::socket::wait_type what) {
  if (is_over()) co_return false;
  waiting_ = true;
  const auto [error] = co_await stream_.socket().async_wait(what, net::as_tuple(net::use_awaitable));
  waiting_ = false;
  co_return !error && !is_over();
}

net::awaitable<bool> PatientStream::wait_after(ByteStream::State state) {
  using enum ByteStream::State;
  if (state == fine) co_return !is_over();
  if (state == wants_read) co_return co_await wait(tcp::socket::wait_read);
  if (state == wants_write) co_return co_await wait(tcp::socket::wait_write);
  co_return false;
}

net::awaitable<bool> PatientStream::write_all(std::string_view text) {
  auto rest = std::as_bytes(std::span(text));
  auto room = most_written;
  expect_within(idle_time);
  while (!rest.empty()) {
    if (room == 0) {
      room = most_written;
      co_await net::post(timer_.get_executor(), net::use_awaitable);
      if (is_over()) co_return false;
    }
    const auto [state, bytes] = stream_.write(rest.first(std::min(rest.size(), room)));
    rest = rest.subspan(bytes);
    room -= bytes;
    if (!co_await wait_after(state)) co_return false;
  }
  co_return true;
}

net::awaitable<bool> PatientStream::shake_hands(Workers& workers) {
  auto state = ByteStream::State::wants_read;
  while (state != ByteStream::State::fine) {
    const bool more = co_await wait_after(state);
    if (!more) co_return false;
    const auto shake = [this] { return stream_.shake_hands(); };
    state = co_await workers.run(shake);
  }
  co_return true;
}

net::awaitable<void> PatientStream::pause(Clock::duration time) {
  pause_.expires_after(time);
  waiting_ = true;
  co_await pause_.async_wait(net::as_tuple(net::use_awaitable));
  waiting_ = false;
}

void PatientStream::end_sending() {
  said_end_ = true;
  stream_.end_sending();
}

// What the client still sends would make the system throw away the answer to what it has sent before. A turn
// for each read: to make room for more is to take it from a client on this host, at once.
net::awaitable<void> PatientStream::say_goodbye() {
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

void PatientStream::interrupt() {
  error_code ignored;
  stream_.socket().cancel(ignored);
  pause_.cancel();
}

void PatientStream::stop(Cause why) {
  stopped_ = why;
  interrupt();
}

void PatientStream::close() {
  timer_.cancel();
  error_code ignored;
  stream_.socket().close(ignored);
}

protocols::Ending PatientStream::lost() const {
  if (stopped_) return {*stopped_};
  return {timed_out_ ? Cause::silence : Cause::disconnected};
}

}  // namespace server::http
