#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "protocols/files/ending.hpp"
#include "protocols/tftp/block_numbers.hpp"
#include "protocols/tftp/packet.hpp"
#include "protocols/tftp/resend_timer.hpp"

namespace tftp {

using Time = std::chrono::steady_clock::time_point;

// Answer the request with the options that were agreed.
struct SendOack {};
// `count` consecutive blocks, the first of them `block` (BlockNumbers gives the wire's number). They hold
// `size` bytes of the file from `offset` on: a full block each, but for the file's last, which is short or
// empty.
struct SendData {
  std::uint64_t block = 0;
  std::uint32_t count = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
// Acknowledge a block, by the number on the wire.
struct SendAck {
  std::uint16_t number;
};
// Send ERROR.
struct SendError {
  ErrorCode code;
  std::string_view text;
};
struct Store {  // `bytes` belong at `offset`, and live until the driver calls stored()
  std::uint64_t offset;
  Bytes bytes;
};
struct Publish {};  // the file is whole

using protocols::Cause;
using protocols::Diagnosis;
using Finished = protocols::Ending;
using Action = std::variant<SendOack, SendData, SendAck, SendError, Store, Publish, Finished>;

// The server's side of one request. Pure: bytes and time come in as arguments, and what goes out is named,
// never sent. One thread at a time.
//
// The driver calls poll() until it is empty, performs each action and tells sent() when a packet or the last
// of a SendData has left; then it waits for a datagram or the deadline, and tells which it was, until over().
class Transfer {
 public:
  Transfer(const Negotiated& negotiated, Time now);
  virtual ~Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  virtual std::optional<Action> poll() = 0;
  virtual void sent(Time now) = 0;
  virtual void datagram(Bytes packet, Time now) = 0;
  virtual void timeout(Time now) = 0;  // harmless before the deadline
  Time deadline() const { return deadline_; }

  // The client asked again from the same port, because our answer was lost: it gets another one if it has not
  // answered yet.
  void repeated(Time now);
  virtual void abandoned(Cause cause);  // nobody will answer any more: its port is closed, it began another
  void stop();                          // the server ends
  void stop_by_administrator();

  bool ended() const { return finished_.has_value(); }  // nothing more will change its outcome
  virtual bool over() const { return ended(); }         // nor does it answer anybody any more
  virtual void end_dallying() {}
  bool answered() const { return answered_; }        // by the client, at least once
  bool moved_on() const { return moved_on_; }        // by the client: its first word was not an ERROR
  Time last_answer() const { return last_answer_; }  // the last one that moved it on; or its beginning
  virtual bool expects_more() const = 0;             // packets, before it has something to say
  virtual std::uint64_t bytes() const = 0;           // of the file, that both sides have
  std::uint64_t resent() const { return resent_; }   // packets sent more than once
  int tries() const { return timer_.tries(); }

 protected:
  std::optional<Action> next_ending();  // the ERROR, then Finished, once
  // Whether the first answer may go out once more. A sender of a forged address must not be able to
  // make us send much to it: until somebody answers, three times what came from there. (A DATA 1 that nobody
  // negotiated may be more by itself; then it goes out once for each time that the client asks.)
  bool may_repeat_first_answer();
  virtual std::size_t first_answer_size() const = 0;
  virtual void send_again() = 0;
  // Whether the packet is for the derived class. Takes a client's ERROR. All other packets change nothing: a
  // client that sends what nobody asked for goes on, as with tftpd-hpa, or falls silent.
  bool takes(Bytes packet, Opcode expected);
  virtual Cause cause_of_error() const = 0;     // that the client sends now
  virtual std::uint64_t blocks() const = 0;     // that both sides have
  virtual bool lacks_large_blocks() const = 0;  // small packets pass, and no block has
  void arm(Time now);                           // the deadline, for what was sent just now
  void pause() {
    deadline_ = Time::max();
  }  // until resume(): the disk is asked, and no time runs for the client
  void resume(Time now);
  void got_on(Time now);  // the client has answered
  // The client is told `text`, and the log `detail` where there is one.
  void fail(ErrorCode code, std::string_view text, Cause cause, std::string_view detail = {});
  void finish(Finished finished);

  const std::uint16_t block_size_, window_;
  const BlockNumbers numbers_;
  const bool oack_, tells_size_;  // the OACK
  ResendTimer timer_;
  std::uint64_t resent_ = 0;
  Time deadline_ = Time::max();
  Time give_up_, armed_at_;

 private:
  const std::size_t request_size_;
  std::size_t heard_bytes_;  // until the client answers
  std::size_t asked_ = 1, first_answers_ = 1;
  Time last_first_answer_, last_answer_;
  bool answered_ = false, moved_on_ = false;
  std::optional<SendError> error_;
  std::optional<Finished> finished_;
  bool reported_ = false;

  Diagnosis diagnose(const Finished& finished) const;
};

}  // namespace tftp
