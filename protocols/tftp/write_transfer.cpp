#include "protocols/tftp/write_transfer.hpp"

#include <algorithm>
#include <utility>

namespace tftp {
namespace {

// Stored before an ACK is due, so that windows that stay half-filled do not pile up.
constexpr std::size_t most_pending = 16 * 1024;

}  // namespace

WriteTransfer::WriteTransfer(const Negotiated& negotiated, Mode mode, std::uint64_t max_size, Time now)
    : Transfer(negotiated, now),
      mode_(mode),
      max_size_(max_size),
      announced_(negotiated.announced_size),
      first_answer_size_(oack_ ? encode_oack(negotiated).size() : data_header_size) {}

std::optional<Action> WriteTransfer::poll() {
  if (is_storing_ || publishing_) return {};
  if (ended() && !dallying_) return next_ending();
  if (std::exchange(first_answer_due_, false)) {
    if (oack_) return SendOack{};
    return SendAck{0};
  }
  if (!pending_.empty() && (ack_due_ || whole_ || pending_.size() >= most_pending)) {
    is_storing_ = true;
    pause();
    std::swap(pending_, storing_);
    return Store{stored_, storing_};
  }
  if (whole_ && !dallying_) {
    publishing_ = true;
    pause();
    return Publish{};
  }
  if (!std::exchange(ack_due_, false)) return dallying_ ? next_ending() : std::nullopt;
  since_ack_ = 0;
  return SendAck{numbers_.wire(received_)};
}

void WriteTransfer::datagram(Bytes packet, Time now) {
  if (dallying_) {
    // Whatever else comes now changes nothing: the file is there.
    if (packet.size() >= 4 && number_at(packet, 0) == static_cast<std::uint16_t>(Opcode::data) &&
        number_at(packet, 2) == numbers_.wire(received_)) {
      repeat_ack();
    }
    return;
  }
  if (!takes(packet, Opcode::data) || whole_) return;
  const auto data = packet.subspan(data_header_size);
  const auto ahead = numbers_.ahead(received_, number_at(packet, 2));
  if (data.size() > block_size_) {
    return fail(ErrorCode::illegal_operation, "DATA is longer than the block size", Cause::long_block);
  }
  if (ahead == 1) return accept(data, now);
  // The last block once more: our ACK was lost. What lies further back will be followed by it.
  if (ahead == 0 && received_ > 0 && since_ack_ == 0) return repeat_ack();
  // Blocks are missing: the client shall go back to them at once (RFC 7440 4), but be told only once.
  if (ahead && *ahead > 1 && *ahead <= window_ && !std::exchange(gap_told_, true)) ack_due_ = true;
}

void WriteTransfer::accept(Bytes data, Time now) {
  // More than a window without our ACK is nobody's due; while the disk is busy it would fill the memory.
  if (since_ack_ == window_) return;
  ++received_;
  ++since_ack_;
  gap_told_ = false;
  if (mode_ == Mode::netascii) {
    const auto before = pending_.size();
    decoder_.decode(data, pending_);
    const auto text = std::span(pending_).subspan(before);
    binary_ = binary_ || std::ranges::find(text, std::byte{0}) != text.end();
  } else {
    pending_.insert(pending_.end(), data.begin(), data.end());
  }
  got_on(now);
  if (is_storing_) pause();
  if (data.size() < block_size_) decoder_.finish(pending_);
  if (announced_ && bytes() > *announced_) {
    return fail(ErrorCode::disk_full, "The file is larger than the tsize that was announced",
                Cause::wrong_size);
  }
  if (bytes() > max_size_) {
    return fail(ErrorCode::disk_full, "The file is larger than tftp.max_upload allows", Cause::too_large);
  }
  if (data.size() < block_size_) return end_of_file();
  if (since_ack_ == window_) ack_due_ = true;
}

void WriteTransfer::end_of_file() {
  if (announced_ && *announced_ != bytes()) {
    return fail(ErrorCode::undefined, "The file's size is not the tsize that was announced",
                Cause::wrong_size);
  }
  whole_ = true;
}

void WriteTransfer::stored(Time now) {
  is_storing_ = false;
  resume(now);
  stored_ += storing_.size();
  // clear() would keep the window's memory for as long as the client likes.
  storing_ = std::vector<std::byte>();
}

void WriteTransfer::published(Time now) {
  publishing_ = false;
  if (ended()) return;
  dallying_ = true;
  ack_due_ = true;
  finish({Cause::complete});
  give_up_ = now + timer_.dally();
  arm(now);
}

void WriteTransfer::failed(ErrorCode code, std::string_view text) {
  is_storing_ = publishing_ = false;
  fail(code, text, Cause::unwritable);
}

void WriteTransfer::timeout(Time now) {
  if (over() || now < deadline_) return;
  if (now >= give_up_) {
    if (dallying_) return end_dallying();
    return finish({Cause::silence});
  }
  timer_.try_again();
  // The client resends its last DATA by its own timer; an ACK out of turn is for the case that it does not.
  if (!dallying_ && !is_storing_ && !publishing_) {
    if (received_ > 0) {
      repeat_ack();
    } else if (may_repeat_first_answer()) {
      send_again();
    }
  }
  arm(now);
}

void WriteTransfer::repeat_ack() {
  ack_due_ = true;
  ++resent_;
}

Cause WriteTransfer::cause_of_error() const {
  return oack_ && !answered() ? Cause::options_refused : Cause::client_error;
}

void WriteTransfer::send_again() { first_answer_due_ = true; }

}  // namespace tftp
