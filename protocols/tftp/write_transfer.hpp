#pragma once
#include <vector>

#include "protocols/tftp/netascii.hpp"
#include "protocols/tftp/transfer.hpp"

namespace tftp {

// The server's side of a write request. What is acknowledged is stored: before an ACK goes out, a Store names
// what came since the last one, and before the last ACK the file is published. Then it dallies, to repeat an
// ACK that was lost (RFC 1350 6, RFC 1123 4.2.3.1).
class WriteTransfer final : public Transfer {
 public:
  WriteTransfer(const Negotiated& negotiated, Mode mode, std::uint64_t max_size, Time now);

  std::optional<Action> poll() override;
  void sent(Time now) override { arm(now); }
  void datagram(Bytes packet, Time now) override;
  void timeout(Time now) override;
  bool over() const override { return ended() && !dallying_; }
  void end_dallying() override { dallying_ = false; }
  bool expects_more() const override { return since_ack_ < window_ && window_ > 1; }
  std::uint64_t bytes() const override { return stored_ + storing_.size() + pending_.size(); }

  void stored(Time now);                               // the driver did what Store asked
  void published(Time now);                            // or Publish
  void failed(ErrorCode code, std::string_view text);  // or could not

  bool is_binary() const { return binary_; }  // what came as a text holds bytes that no text has

 private:
  void send_again() override;
  std::size_t first_answer_size() const override { return first_answer_size_; }
  void accept(Bytes data, Time now);
  void end_of_file();
  void repeat_ack();
  Cause cause_of_error() const override;
  std::uint64_t blocks() const override { return received_; }
  bool lacks_large_blocks() const override { return false; }  // its ACK 0 and its DATA cannot be told apart

  const Mode mode_;
  const std::uint64_t max_size_;
  const std::optional<std::uint64_t> announced_;
  const std::size_t first_answer_size_;
  NetasciiDecoder decoder_;
  std::vector<std::byte> pending_, storing_;
  std::uint64_t stored_ = 0;    // bytes
  std::uint64_t received_ = 0;  // the last block of those that came in their order
  std::uint64_t since_ack_ = 0;
  bool first_answer_due_ = true, ack_due_ = false;
  bool gap_told_ = false, binary_ = false;
  bool whole_ = false, publishing_ = false, is_storing_ = false, dallying_ = false;
};

}  // namespace tftp
