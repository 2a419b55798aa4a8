#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocols/tftp/block_numbers.hpp"
#include "protocols/tftp/packet.hpp"
#include "protocols/tftp/transfer.hpp"

namespace tftp {

struct SendRequest {};  // to the port that the server listens on
// The next bytes of the file. They live as long as the datagram that they came in.
struct Arrived {
  Bytes bytes;
};
// SendAck and SendError go to the port that the first answer came from.
using GetAction = std::variant<SendRequest, SendAck, SendError, Arrived>;

// How a download ended.
struct GetEnding {
  enum class How : std::uint8_t {
    whole,        // the last block came
    error,        // the server sent ERROR: `code` and `text`
    silence,      // nothing came for as long as the client waits
    port_closed,  // ICMP says that nobody listens there
    bad_options,  // the OACK says what was not asked for, or more than that: `text`
    long_block,   // a DATA was longer than the block size
    stopped,      // by stop()
  } how = How::silence;
  std::uint16_t code = 0;
  std::string text = {};  // the server's is hostile: escape it
};

// A device's side of a read request, in lockstep (RFC 1350, 2347-2349): it asks once more for what does not
// come, and acknowledges a repeated block again. Pure: bytes and time come in as arguments, and what goes out
// is named, never sent. One thread at a time.
//
// The driver calls poll() until it is empty and performs each action; then it waits for a datagram or the
// deadline, and says which it was, until there is an ending and nothing more to send.
class Get {
 public:
  // The request's `options` are those that are asked for; `patience` is how long nothing may come before it
  // gives up.
  Get(std::vector<Option> options, std::chrono::milliseconds patience, Time now);

  std::optional<GetAction> poll();
  void datagram(Bytes packet, Time now);  // from the server
  void timeout(Time now);                 // harmless before the deadline
  void unreachable();                     // ICMP: the port that was sent to is closed
  void stop();                            // enough was seen
  Time deadline() const { return deadline_; }

  const std::optional<GetEnding>& ending() const { return ending_; }
  bool answered() const { return answered_; }                                    // by anything that counts
  const std::optional<std::vector<Option>>& oack() const { return oack_; }       // as the server spelled them
  std::uint16_t block_size() const { return block_size_; }                       // that was agreed
  const std::optional<std::uint64_t>& announced_size() const { return tsize_; }  // the OACK's tsize
  std::uint64_t blocks() const { return received_; }                             // that came in their order
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t resent() const {
    return resent_;
  }  // packets of ours, and blocks of the server's, that came again
  // The number of the last block that came too early: where the server counts otherwise than the client.
  const std::optional<std::uint16_t>& early_number() const { return early_; }

 private:
  void take_oack(Bytes packet, Time now);
  void take_data(Bytes packet, Time now);
  std::string fault_of(const Option& given);
  void acknowledge() { ack_due_ = true; }
  void got_on(Time now);
  void arm(Time now);
  void finish(GetEnding ending) {
    if (!ending_) ending_ = std::move(ending);
  }
  void refuse(ErrorCode code, std::string_view text, GetEnding ending);

  const std::vector<Option> options_;
  const std::chrono::milliseconds patience_;
  const BlockNumbers numbers_{0};
  std::uint16_t block_size_ = 512;
  std::optional<std::vector<Option>> oack_;
  std::optional<std::uint64_t> tsize_;
  std::uint64_t received_ = 0, bytes_ = 0, resent_ = 0;
  std::optional<std::uint16_t> early_;
  bool request_due_ = true, ack_due_ = false, answered_ = false;
  std::optional<Bytes> arrived_;
  std::optional<SendError> error_;
  std::optional<GetEnding> ending_;
  int tries_ = 0;
  Time deadline_, give_up_;
};

}  // namespace tftp
