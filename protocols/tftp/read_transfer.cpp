#include "protocols/tftp/read_transfer.hpp"

#include <algorithm>
#include <utility>

namespace tftp {
namespace {

using namespace std::chrono_literals;

// Without the timeout option we wait 1, 2, 4, 8, 16 and 32 s, as tftpd-hpa does; a client that names its
// timeout resends on its own at that pace, and the option keeps it constant.
constexpr auto first_wait = 1s;
constexpr int most_tries = 6;
constexpr auto least_patience = 30s;

}  // namespace

ReadTransfer::ReadTransfer(const Negotiated& negotiated, std::uint64_t file_size, Time now)
    : block_size_(negotiated.block_size),
      window_(negotiated.window),
      timeout_(negotiated.timeout),
      oack_(!negotiated.accepted.empty()),
      size_(file_size),
      last_(file_size / negotiated.block_size +
            1),  // RFC 1350 6: a full last block is followed by an empty one
      oack_due_(oack_),
      latest_start_(now + least_patience) {
  arm(now);
}

std::optional<Action> ReadTransfer::poll() {
  if (error_) return std::exchange(error_, std::nullopt).value();
  if (finished_) {
    if (std::exchange(reported_, true)) return {};
    return *finished_;
  }
  if (std::exchange(oack_due_, false)) return SendOack{};
  const auto end = std::min(acked_ + window_, last_);  // the window's last block
  // No DATA before ACK 0: an unsolicited DATA 1 puts U-Boot out of step.
  if (waits_for_ack0() || next_ > end) return {};
  SendData data;
  data.block = next_;
  data.count = static_cast<std::uint32_t>(end - next_ + 1);
  data.offset = (next_ - 1) * block_size_;
  data.size = std::min(data.count * std::uint64_t{block_size_}, size_ - data.offset);
  if (highest_ >= next_) resent_ += std::min(highest_, end) - next_ + 1;
  highest_ = std::max(highest_, end);
  next_ = end + 1;
  return data;
}

void ReadTransfer::datagram(Bytes packet, Time now) {
  if (over() || packet.size() < 4) return;
  const auto opcode = static_cast<Opcode>(number_at(packet, 0));
  const auto value = number_at(packet, 2);
  if (opcode == Opcode::error) {
    const auto text = packet.subspan(4);
    const auto end = std::ranges::find(text, std::byte{0});
    return finish({End::aborted, true, value,
                   std::string(reinterpret_cast<const char*>(text.data()),
                               static_cast<std::size_t>(end - text.begin()))});
  }
  // A repeated RRQ means that our answer was lost; the timer takes care of that. DATA or OACK has no place
  // here.
  if (opcode == Opcode::rrq || opcode == Opcode::wrq) return;
  if (opcode != Opcode::ack) {
    return fail(ErrorCode::illegal_operation, text_of(ErrorCode::illegal_operation), End::aborted);
  }
  if (const auto block = widen(value)) acknowledge(*block, now);
}

void ReadTransfer::acknowledge(std::uint64_t block, Time now) {
  if (waits_for_ack0()) {
    if (block != 0) return;
    started_ = true;
    tries_ = 0;
    return arm(now);
  }
  if (block == acked_) {
    // In lockstep a repeated ACK must not repeat DATA (RFC 1123 4.2.3.1, the Sorcerer's Apprentice). In a
    // window it says that the window's first block was lost (RFC 7440 4): the window goes out again, once.
    if (window_ == 1 || next_ == acked_ + 1 || std::exchange(answered_old_, true)) return;
    next_ = acked_ + 1;
    return arm(now);
  }
  started_ = true;
  acked_ = block;
  answered_old_ = false;
  tries_ = 0;
  if (acked_ == last_) return finish({});
  next_ = acked_ + 1;  // an ACK inside the window says that the rest of it was lost (RFC 7440 4)
  arm(now);
}

void ReadTransfer::timeout(Time now) {
  if (over() || now < deadline_) return;
  const int allowed =
      timeout_ ? std::max(most_tries, static_cast<int>(least_patience / *timeout_)) : most_tries;
  // A client that never answered may never have asked: nobody may hold us for 25 minutes with one forged
  // packet.
  if (++tries_ >= allowed || (!started_ && acked_ == 0 && now >= latest_start_)) {
    // With all blocks sent and the client at its last window, silence is most likely a client that does not
    // acknowledge the last block.
    const bool all_out = started_ && highest_ == last_ && acked_ + window_ >= last_;
    return finish({all_out ? End::sent : End::stalled, false, 0, {}});
  }
  if (waits_for_ack0()) oack_due_ = true;
  next_ = acked_ + 1;
  answered_old_ = false;
  arm(now);
}

void ReadTransfer::abandoned(std::string_view why) { finish({End::aborted, true, 0, std::string(why)}); }

void ReadTransfer::file_cut_short() {
  fail(ErrorCode::undefined, "The file changed while it was read", End::cut);
}

void ReadTransfer::file_unreadable() {
  fail(ErrorCode::undefined, "The file cannot be read, see the server's log", End::unreadable);
}

void ReadTransfer::stop() { fail(ErrorCode::undefined, "The server is shutting down", End::stopped); }

std::uint64_t ReadTransfer::acknowledged() const { return std::min(acked_ * block_size_, size_); }

// The one block between the last acknowledged and the highest sent that a 16-bit number can mean: block
// numbers wrap to 0 as often as the file needs.
std::optional<std::uint64_t> ReadTransfer::widen(std::uint16_t wire) const {
  const auto ahead = static_cast<std::uint16_t>(wire - static_cast<std::uint16_t>(acked_));
  const auto block = acked_ + ahead;
  if (block > highest_) return {};
  return block;
}

void ReadTransfer::arm(Time now) {
  deadline_ = now + (timeout_ ? *timeout_ : first_wait * (1 << tries_));
  if (!started_ && now < latest_start_) deadline_ = std::min(deadline_, latest_start_);
}

void ReadTransfer::fail(ErrorCode code, std::string_view text, End end) {
  if (over()) return;
  error_ = SendError{code, text};
  finish({end, true, 0, {}});
}

void ReadTransfer::finish(Finished finished) {
  if (!over()) finished_ = std::move(finished);
}

}  // namespace tftp
