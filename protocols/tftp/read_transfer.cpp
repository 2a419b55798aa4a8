#include "protocols/tftp/read_transfer.hpp"

#include <algorithm>
#include <limits>

namespace tftp {
namespace {

constexpr auto unknown = std::numeric_limits<std::uint64_t>::max();
// Resends before a round trip was measured: the ACK that began it may be forged, and a client has a timer of
// its own.
constexpr int most_unmeasured_tries = 3;
// Where our port can be guessed an ACK proves nothing even then: as much as it draws goes out again.
constexpr std::size_t most_unproven_bytes = 64 * 1024;
// What an Ethernet frame has room for beside the headers of IPv4, UDP and TFTP.
constexpr std::uint16_t largest_unfragmented = 1468;

}  // namespace

ReadTransfer::ReadTransfer(const Negotiated& negotiated, std::optional<std::uint64_t> size, Time now,
                           bool may_be_forged)
    : Transfer(negotiated, now),
      oack_size_(encode_oack(negotiated).size()),
      size_(size.value_or(unknown)),
      // RFC 1350 6: a full last block is followed by an empty one.
      last_(size ? *size / negotiated.block_size + 1 : unknown),
      most_tries_(!may_be_forged
                      ? std::numeric_limits<int>::max()
                      : std::max(most_unmeasured_tries, static_cast<int>(most_unproven_bytes / block_size_))),
      oack_due_(oack_) {
  if (most_tries_ == most_unmeasured_tries) timer_.spread_tries();
}

std::optional<Action> ReadTransfer::poll() {
  if (ended()) return next_ending();
  if (std::exchange(oack_due_, false)) return SendOack{};
  // The window's last block.
  const auto end = std::min(acked_ + (one_block_ ? 1 : window_), last_);
  // No DATA before ACK 0: an unsolicited DATA 1 puts U-Boot out of step.
  if (waits_for_ack0() || next_ > end) return {};
  SendData data;
  data.block = next_;
  data.count = static_cast<std::uint32_t>(end - next_ + 1);
  data.offset = (next_ - 1) * block_size_;
  data.size = std::min(data.count * std::uint64_t{block_size_}, size_ - data.offset);
  if (highest_ >= next_) {
    resent_ += std::min(highest_, end) - next_ + 1;
    resent_block_ = highest_;
  }
  highest_ = std::max(highest_, end);
  next_ = end + 1;
  sending_ = true;
  pause();
  return data;
}

void ReadTransfer::sent(Time now) {
  timed_block_ = highest_ > resent_block_ ? highest_ : 0;
  timed_at_ = now;
  std::exchange(sending_, false) ? resume(now) : arm(now);
}

void ReadTransfer::datagram(Bytes packet, Time now) {
  if (!takes(packet, Opcode::ack)) return;
  const auto ahead = numbers_.ahead(acked_, number_at(packet, 2));
  if (ahead && acked_ + *ahead <= highest_) acknowledge(acked_ + *ahead, now);
}

void ReadTransfer::acknowledge(std::uint64_t block, Time now) {
  if (waits_for_ack0()) return got_on(now);  // no other block was sent yet
  if (block == acked_) {
    // In lockstep a repeated ACK must not repeat DATA (RFC 1123 4.2.3.1, the Sorcerer's Apprentice); of a
    // block that was sent twice it tells that once was enough. In a window it says that the window's first
    // block was lost (RFC 7440 4): the window goes out again, once.
    if (has_given_up_asking()) {
      resend_from(acked_ + 1);  // our timer is silent by now: it is the client's that asks
      one_block_ = true;
    } else if (window_ == 1) {
      if (block != 0 && block == std::exchange(resent_block_, 0)) timer_.was_needless();
    } else if (next_ > acked_ + 1 && !std::exchange(answered_old_, true)) {
      resend_from(acked_ + 1);
    }
    return;
  }
  if (block == timed_block_)
    timer_.measured(std::chrono::duration_cast<ResendTimer::Duration>(now - timed_at_));
  acked_ = block;
  answered_old_ = false;
  got_on(now);
  if (sending_) pause();
  if (acked_ == last_) return finish({});
  resend_from(acked_ + 1);  // an ACK inside the window says that the rest of it was lost (RFC 7440 4)
}

bool ReadTransfer::has_given_up_asking() const {
  return timer_.tries() > (timer_.is_measured() ? most_tries_ : most_unmeasured_tries);
}

void ReadTransfer::resend_from(std::uint64_t block) {
  next_ = block;
  timed_block_ = 0;
  one_block_ = false;
}

void ReadTransfer::timeout(Time now) {
  if (ended() || now < deadline_) return;
  // Only ACKs say that blocks arrive: of a client that acknowledged none nothing is known.
  if (now >= give_up_) return finish({acked_ > 0 && all_out() ? Cause::unconfirmed : Cause::silence});
  timer_.try_again();
  if (answered() ? !has_given_up_asking() : may_repeat_first_answer()) send_again();
  // A window that is lost as a whole comes again once, from a client whose round trip is known. Else one
  // block asks whether somebody is there.
  one_block_ = answered() && (!timer_.is_measured() || timer_.tries() > 1);
  answered_old_ = false;
  arm(now);
}

// The first answer, or what the client has not acknowledged.
void ReadTransfer::send_again() {
  oack_due_ = waits_for_ack0();
  resend_from(acked_ + 1);
}

std::size_t ReadTransfer::first_answer_size() const {
  return oack_ ? oack_size_ : data_header_size + std::min<std::uint64_t>(size_, block_size_);
}

void ReadTransfer::ends_with(std::uint64_t block, std::uint64_t size) {
  last_ = block;
  size_ = (block - 1) * block_size_ + size;
  highest_ = std::min(highest_, last_);
  next_ = std::min(next_, last_ + 1);
  acked_ = std::min(acked_, last_);
  if (acked_ == last_) finish({});  // it acknowledged what it cannot have: let it go
}

// A client that answered and closes its port, or uses it for its next file, when it has been sent everything
// most likely has it. But large blocks may all have been lost, and then it leaves because it gave up.
void ReadTransfer::abandoned(Cause cause) {
  const bool heard = acked_ > 0 || (answered() && block_size_ <= largest_unfragmented);
  Transfer::abandoned(heard && all_out() ? Cause::unconfirmed : cause);
}

// With all blocks sent and the client at its last window, silence or a closed port is most likely a client
// that has the whole file, and whose last ACK was lost or never sent.
bool ReadTransfer::all_out() const { return highest_ == last_ && acked_ + window_ >= last_; }

// Boot loaders and controllers ask for the size first, and break off when the OACK tells it.
Cause ReadTransfer::cause_of_error() const {
  if (!waits_for_ack0()) return Cause::client_error;
  return tells_size_ ? Cause::size_asked : Cause::options_refused;
}

bool ReadTransfer::lacks_large_blocks() const {
  return acked_ == 0 && highest_ > 0 && timer_.tries() > 0 && block_size_ > largest_unfragmented;
}

void ReadTransfer::file_changed() {
  fail(ErrorCode::undefined, "The file changed while it was sent", Cause::file_changed);
}

void ReadTransfer::file_unreadable(std::string_view why) {
  fail(ErrorCode::undefined, "The file cannot be read, see the server's log", Cause::unreadable, why);
}

std::uint64_t ReadTransfer::bytes() const { return std::min(acked_ * block_size_, size_); }

}  // namespace tftp
