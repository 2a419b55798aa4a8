#include "protocols/tftp/transfer.hpp"

#include <algorithm>

namespace tftp {
namespace {

using namespace std::chrono_literals;

// A client that never answers may never have asked.
constexpr auto unanswered_patience = 30s;
// Between two answers to one client's repeated request.
constexpr auto least_pause = 500ms;
// Bytes for each byte that came from an address which may be forged.
constexpr std::size_t most_reflected = 3;

}  // namespace

Transfer::Transfer(const Negotiated& negotiated, Time now)
    : block_size_(negotiated.block_size),
      window_(negotiated.window),
      numbers_(negotiated.rollover),
      oack_(!negotiated.accepted.empty()),
      timer_(negotiated.timeout),
      give_up_(now + unanswered_patience),
      armed_at_(now),
      request_size_(negotiated.request_size),
      heard_bytes_(request_size_),
      last_first_answer_(now) {}

void Transfer::repeated(Time now) {
  if (answered_ || ended()) return;
  heard_bytes_ += request_size_;
  if (now - last_first_answer_ < least_pause) return;
  last_first_answer_ = now;
  ++asked_;
  if (first_answers_ < asked_) {
    ++first_answers_;
  } else if (!may_repeat_first_answer()) {
    return;
  }
  if (deadline_ != Time::max()) arm(now);  // the time until now was the client's, and counts against it
  send_again();
}

void Transfer::abandoned(std::string_view why) {
  finish({End::aborted, true, 0, std::string(why)});
  end_dallying();
}

void Transfer::stop() {
  fail(ErrorCode::undefined, "The server is shutting down", End::stopped);
  end_dallying();
}

std::optional<Action> Transfer::next_ending() {
  if (error_) return std::exchange(error_, std::nullopt).value();
  if (!finished_ || std::exchange(reported_, true)) return {};
  return *finished_;
}

bool Transfer::may_repeat_first_answer() {
  if ((first_answers_ + 1) * first_answer_size() > most_reflected * heard_bytes_) return false;
  ++first_answers_;
  return true;
}

bool Transfer::takes(Bytes packet, Opcode expected) {
  if (ended() || packet.size() < 4) return false;
  const auto opcode = static_cast<Opcode>(number_at(packet, 0));
  if (opcode == expected) return true;
  if (opcode == Opcode::rrq || opcode == Opcode::wrq) return false;  // a late copy of the request
  if (opcode != Opcode::error) {
    fail(ErrorCode::illegal_operation, text_of(ErrorCode::illegal_operation), End::aborted);
    return false;
  }
  answered_ = true;
  const auto text = packet.subspan(4);
  const auto length = static_cast<std::size_t>(std::ranges::find(text, std::byte{0}) - text.begin());
  finish({End::aborted, true, number_at(packet, 2),
          std::string(reinterpret_cast<const char*>(text.data()), length)});
  return false;
}

void Transfer::arm(Time now) {
  armed_at_ = now;
  deadline_ = std::min(now + timer_.wait(), give_up_);
}

void Transfer::resume(Time now) {
  give_up_ += now - armed_at_;
  arm(now);
}

void Transfer::got_on(Time now) {
  answered_ = true;
  timer_.got_on();
  give_up_ = now + timer_.patience();
  arm(now);
}

void Transfer::fail(ErrorCode code, std::string_view text, End end) {
  if (ended()) return;
  error_ = SendError{code, text};
  finish({end, true, static_cast<std::uint16_t>(code), std::string(text)});
}

void Transfer::finish(Finished finished) {
  if (!ended()) finished_ = std::move(finished);
}

}  // namespace tftp
