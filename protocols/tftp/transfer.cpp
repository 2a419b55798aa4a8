#include "protocols/tftp/transfer.hpp"

#include <algorithm>
#include <array>

namespace tftp {
namespace {

using namespace std::chrono_literals;

// A client that never answers may never have asked.
constexpr auto unanswered_patience = 30s;
// Between two answers to one client's repeated request.
constexpr auto least_pause = 500ms;
// Bytes for each byte that came from an address which may be forged.
constexpr std::size_t most_reflected = 3;
// A client that counts blocks with 15 or 16 bits ends here, or one block earlier.
constexpr std::array<std::uint64_t, 4> counting_ends{32767, 32768, 65535, 65536};
constexpr std::string_view tsize = "tsize";

bool is_tsize(const Option& option) {
  return std::ranges::equal(option.name, tsize, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
}

}  // namespace

Transfer::Transfer(const Negotiated& negotiated, Time now)
    : block_size_(negotiated.block_size),
      window_(negotiated.window),
      numbers_(negotiated.rollover),
      oack_(!negotiated.accepted.empty()),
      tells_size_(std::ranges::any_of(negotiated.accepted, is_tsize)),
      timer_(negotiated.timeout),
      give_up_(now + unanswered_patience),
      armed_at_(now),
      request_size_(negotiated.request_size),
      heard_bytes_(request_size_),
      last_first_answer_(now),
      last_answer_(now) {}

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

void Transfer::abandoned(Cause cause) {
  finish({cause});
  end_dallying();
}

void Transfer::stop() {
  fail(ErrorCode::undefined, "The server is shutting down", Cause::shutdown);
  end_dallying();
}

void Transfer::stop_by_administrator() {
  fail(ErrorCode::undefined, "Stopped by the administrator", Cause::stopped);
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
  if (opcode != Opcode::error) return false;
  const auto cause = cause_of_error();
  answered_ = true;
  const auto text = packet.subspan(4);
  const auto length = static_cast<std::size_t>(std::ranges::find(text, std::byte{0}) - text.begin());
  finish({cause, number_at(packet, 2), std::string(reinterpret_cast<const char*>(text.data()), length)});
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
  answered_ = moved_on_ = true;
  last_answer_ = now;
  timer_.got_on();
  give_up_ = now + timer_.patience();
  arm(now);
}

void Transfer::fail(ErrorCode code, std::string_view text, Cause cause, std::string_view detail) {
  if (ended()) return;
  error_ = SendError{code, text};
  finish({cause, static_cast<std::uint16_t>(code), std::string(detail.empty() ? text : detail)});
}

void Transfer::finish(Finished finished) {
  if (ended()) return;
  finished.diagnosis = diagnose(finished);
  finished_ = std::move(finished);
}

Diagnosis Transfer::diagnose(const Finished& finished) const {
  const bool given_up = finished.cause == Cause::silence || finished.cause == Cause::port_closed ||
                        finished.cause == Cause::gave_way;
  if (given_up && !answered()) return Diagnosis::nothing_came_back;
  if (!given_up && finished.cause != Cause::client_error) return Diagnosis::none;
  if (finished.code == static_cast<std::uint16_t>(ErrorCode::disk_full)) return Diagnosis::client_full;
  if (std::ranges::find(counting_ends, blocks()) != counting_ends.end()) return Diagnosis::cannot_count;
  return lacks_large_blocks() ? Diagnosis::fragments_lost : Diagnosis::none;
}

}  // namespace tftp
