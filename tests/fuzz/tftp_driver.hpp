#pragma once
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocols/tftp/transfer.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/unanswered.hpp"

namespace fuzz {

using Input = FuzzedDataProvider;

// By way of a request, so that whatever is found some client can bring about.
inline tftp::Negotiated some_negotiated(Input& in, bool write, tftp::Mode mode) {
  tftp::Request request{write, "f", mode, {}, in.ConsumeIntegralInRange<std::size_t>(11, 200)};
  const auto perhaps = [&](const char* name, int value) {
    if (in.ConsumeBool()) request.options.push_back({name, std::to_string(value)});
  };
  perhaps("blksize", in.PickValueInArray({8, 9, 64, 512, 1428, 65464}));
  perhaps("windowsize", in.ConsumeIntegralInRange(1, 20));
  perhaps("timeout", in.ConsumeIntegralInRange(1, 255));
  perhaps("utimeout", in.PickValueInArray({10'000, 300'000, 255'000'000}));
  perhaps("rollover", in.ConsumeIntegralInRange(0, 1));
  perhaps("tsize", in.ConsumeIntegralInRange(0, 200));
  return tftp::negotiate(request, 0, {});
}

// Whether the script begins just below the block numbers' first wrap. It takes long to get there: by the sum
// of its bytes a few inputs do, but not all that come from one of them.
inline bool begins_far(const std::uint8_t* data, std::size_t size) {
  return std::accumulate(data, data + size, 0U) % 64 == 1;
}

// Drives a transfer as server/ does, with a client, a clock and a disk that do what the input says, and
// checks what holds for reading and writing alike. The derived class keeps the model of its direction.
class TftpDriver {
 public:
  TftpDriver(Input& in, const tftp::Negotiated& negotiated, tftp::Opcode expected)
      : in_(in),
        block_size_(negotiated.block_size),
        window_(negotiated.window),
        oack_(!negotiated.accepted.empty()),
        numbers_(negotiated.rollover),
        unanswered_(negotiated.request_size),
        oack_size_(tftp::encode_oack(negotiated).size()),
        expected_(expected) {}
  virtual ~TftpDriver() = default;

  void run(bool far) {
    go_on();
    if (far) go_far();
    slow_disk_ = in_.ConsumeBool();
    while (in_.remaining_bytes() > 0) step();
    fall_silent();
  }

 protected:
  virtual tftp::Transfer& machine() = 0;
  virtual void perform(const tftp::Action& action) = 0;  // what only this direction has
  virtual bool busy() const = 0;                         // with what was performed, so that nobody polls
  virtual void disk_is_done() = 0;
  virtual void disk_fails() = 0;
  virtual void answer() = 0;  // something that a client might say now
  virtual void go_far() = 0;  // by a good client, to just below the first wrap of the block numbers
  virtual void taken(tftp::Bytes packet) = 0;  // of the expected kind, by a transfer that had not ended
  virtual void check_end(const tftp::Finished& how) = 0;
  virtual void check() = 0;

  void receive(const std::vector<std::byte>& packet) {
    const bool open = !machine().ended();
    machine().datagram(packet, now_);
    if (!open || packet.size() < 4) return;
    const auto opcode = static_cast<tftp::Opcode>(tftp::number_at(packet, 0));
    if (opcode == expected_) return taken(packet);
    if (opcode != tftp::Opcode::error)
      return require(!machine().ended(), "what nobody asked for ends nothing");
    using enum tftp::Cause;
    for (const auto cause : {client_error, size_asked, options_refused}) must_end(cause);
  }

  void go_on() {
    for (int polls = 0; !busy(); ++polls) {
      require(polls < 10, "poll() comes to an end");
      due_ = machine().deadline();
      const auto action = machine().poll();
      if (!action) break;
      perform_any(*action);
    }
    if (!busy() && !machine().over()) {
      require(machine().deadline() < tftp::Time::max(), "what it waits for has an end");
    }
    check();
  }

  void sent(std::size_t bytes) {
    if (!answered_) unanswered_.sent(bytes);
    machine().sent(now_);
  }

  void got_on() {
    answered_ = true;
    heard_at_ = now_;
  }

  void must_end(tftp::Cause how) {
    require(machine().ended(), "what ends it ends it at once");
    may_end(how);
  }
  void may_end(tftp::Cause how) { causes_.set(static_cast<std::size_t>(how)); }

  bool disk_is_slow() { return slow_disk_ && in_.ConsumeBool(); }

  Input& in_;
  const std::size_t block_size_;
  const std::uint64_t window_;
  const bool oack_;
  const tftp::BlockNumbers numbers_;
  tftp::Time now_{}, due_{};  // due_: the deadline before the last action
  Unanswered unanswered_;
  bool answered_ = false;  // by the client, so that it is not a forged address
  bool slow_disk_ = false;
  bool may_repeat_ = false;  // since a timeout, or a repeated request

 private:
  enum class Step { answer, disk, expire, later, repeat, garbage, end };

  void step() {
    using enum Step;
    static constexpr std::array steps{answer, answer, answer, answer, answer, answer,  disk,    disk,
                                      disk,   expire, expire, later,  repeat, garbage, garbage, end};
    switch (in_.PickValueInArray(steps)) {
      case answer:
        several([this] { this->answer(); });
        break;
      case garbage:
        several(
            [this] { receive(in_.ConsumeBytes<std::byte>(in_.ConsumeIntegralInRange<std::size_t>(0, 64))); });
        break;
      case disk:
        if (busy()) disk_is_done();
        break;
      case expire:
        expire_next();
        break;
      case later:
        pass_time();
        break;
      case repeat:
        repeat_request();
        break;
      case end:
        end_somehow();
        break;
    }
    go_on();
  }

  // Packets that were waiting in the socket: the driver polls behind the last one.
  void several(auto receive_one) {
    do receive_one();
    while (in_.ConsumeIntegralInRange(0, 3) == 1);
  }

  void expire_next() {
    if (machine().deadline() < tftp::Time::max()) now_ = std::max(now_, machine().deadline());
    timeout();
  }

  void pass_time() {
    now_ += std::chrono::microseconds(in_.ConsumeIntegral<std::uint8_t>()) *
            (1 << in_.ConsumeIntegralInRange(0, 24));
    if (in_.ConsumeBool()) timeout();
  }

  void timeout() {
    if (now_ >= machine().deadline()) may_repeat_ = true;
    machine().timeout(now_);
    require(machine().over() || machine().deadline() > now_, "behind a timeout it waits again, or is over");
  }

  void repeat_request() {
    unanswered_.asked_again(now_);
    may_repeat_ = true;
    machine().repeated(now_);
  }

  void end_somehow() {
    switch (in_.ConsumeIntegralInRange(0, 3)) {
      case 0:
        machine().stop();
        return must_be_over(tftp::Cause::shutdown);
      case 1:
        machine().abandoned(tftp::Cause::port_closed);
        return must_be_over(tftp::Cause::port_closed);
      case 2:
        return disk_fails();
      default:
        if (machine().ended()) machine().end_dallying();
    }
  }
  void must_be_over(tftp::Cause how) {
    require(machine().over(), "it is over when the client or the server is gone");
    may_end(how);
  }

  void perform_any(const tftp::Action& action) {
    if (const auto* how = std::get_if<tftp::Finished>(&action)) return finished(*how);
    if (const auto* error = std::get_if<tftp::SendError>(&action)) return refuse(*error);
    require(!machine().over(), "once it is over nothing is sent or stored");
    if (!std::holds_alternative<tftp::SendOack>(action)) return perform(action);
    require(oack_ && !answered_, "the OACK answers who asked for options, until they are known");
    sent(oack_size_);
  }

  void refuse(const tftp::SendError& error) {
    require(machine().over() && !error_ && !finished_, "an ERROR is the last packet, and the only one");
    error_ = error;
  }

  void finished(const tftp::Finished& how) {
    require(machine().ended() && !std::exchange(finished_, true), "Finished comes once");
    if (error_) {
      require(how.code == static_cast<std::uint16_t>(error_->code) && !how.text.empty(),
              "Finished tells the ERROR that was sent");
      require(how.by() == protocols::EndedBy::server, "and that it was ours");
    }
    if (how.cause == tftp::Cause::silence) {
      require(now_ - heard_at_ >= std::chrono::seconds(30), "who spoke lately is not given up");
    } else if (how.cause != tftp::Cause::complete && how.cause != tftp::Cause::unconfirmed) {
      require(causes_[static_cast<std::size_t>(how.cause)], "it ends for a reason");
    }
    check_end(how);
  }

  // Whatever came before: in the end a silent client is given up, and the driver may let go.
  void fall_silent() {
    for (int timeouts = 0; !machine().over() || busy(); ++timeouts) {
      require(timeouts < 2000, "a silent client is given up");
      if (busy()) disk_is_done();
      go_on();
      expire_next();
      go_on();
    }
    require(finished_, "Finished comes at all");
  }

  const std::size_t oack_size_;
  const tftp::Opcode expected_;
  tftp::Time heard_at_{};
  std::bitset<32> causes_;
  std::optional<tftp::SendError> error_;
  bool finished_ = false;
};

}  // namespace fuzz
