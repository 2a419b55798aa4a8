#pragma once
#include "protocols/tftp/transfer.hpp"

namespace tftp {

// The server's side of a read request (RFC 1350, 2347-2349, 7440). Holds no bytes: what goes out is a range
// of the file, so that a resend is a re-read.
class ReadTransfer final : public Transfer {
 public:
  // Without a `size` (netascii: it shows only as the file is read) SendData's offset and size count for whole
  // blocks, and the driver tells the end. `may_be_forged`: who guesses our port acknowledges in another's
  // name.
  ReadTransfer(const Negotiated& negotiated, std::optional<std::uint64_t> size, Time now,
               bool may_be_forged = false);

  std::optional<Action> poll() override;
  void sent(Time now) override;
  void datagram(Bytes packet, Time now) override;
  void timeout(Time now) override;
  void abandoned(Cause cause) override;
  bool expects_more() const override { return acked_ < highest_; }
  std::uint64_t bytes() const override;

  std::uint64_t acknowledged_block() const { return acked_; }
  void ends_with(std::uint64_t block, std::uint64_t size);  // the last block, and how many bytes it has
  void file_unreadable(std::string_view why);               // the driver could not read it at all
  void file_changed();                                      // it is not the file that it was at the beginning

 private:
  void send_again() override;
  bool all_out() const;
  Cause cause_of_error() const override;
  std::uint64_t blocks() const override { return acked_; }
  bool lacks_large_blocks() const override;
  bool waits_for_ack0() const { return oack_ && !answered(); }
  std::size_t first_answer_size() const override;
  void acknowledge(std::uint64_t block, Time now);
  void resend_from(std::uint64_t block);
  bool has_given_up_asking() const;  // whether the client is there at all

  const std::size_t oack_size_;
  std::uint64_t size_, last_;  // the file's bytes, and the block that ends it
  std::uint64_t acked_ = 0, next_ = 1, highest_ = 0;
  const int most_tries_;  // of one block
  bool oack_due_;
  bool sending_ = false;       // a SendData is on its way out
  bool answered_old_ = false;  // this window was resent for an old ACK already
  bool one_block_ = false;     // of the window, until the client answers
  // The round trip is measured from the end of a flight to the ACK of its last block.
  std::uint64_t timed_block_ = 0, resent_block_ = 0;
  Time timed_at_;
};

}  // namespace tftp
