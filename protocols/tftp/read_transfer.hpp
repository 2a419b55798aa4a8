#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "protocols/tftp/packet.hpp"

namespace tftp {

using Time = std::chrono::steady_clock::time_point;

struct SendOack {};
// `count` consecutive blocks, the first of them `block` (the wire has its low 16 bits). They hold `size`
// bytes of the file from `offset` on: a full block each, but for the file's last, which is short or empty.
struct SendData {
  std::uint64_t block = 0;
  std::uint32_t count = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
struct SendError {
  ErrorCode code;
  std::string_view text;
};

enum class End {
  sent,
  aborted,     // the client sent ERROR, or its port was closed
  stalled,     // it fell silent
  cut,         // the file is shorter than it was
  unreadable,  // the disk failed
  stopped,     // the server ends
};

struct Finished {
  End end = End::sent;
  bool confirmed = true;  // false: everything went out, but the last ACK never came (some never send it)
  std::uint16_t client_code = 0;  // of the client's ERROR
  std::string client_text;        // hostile: escape it
};
using Action = std::variant<SendOack, SendData, SendError, Finished>;

// The server's side of one read request (RFC 1350, 2347-2349, 7440). Pure: bytes and time come in as
// arguments, and what goes out is named, never held, so that a resend is a re-read. One thread at a time.
//
// The driver calls poll() until it is empty, then waits for a datagram or the deadline, and tells which it
// was.
class ReadTransfer {
 public:
  ReadTransfer(const Negotiated& negotiated, std::uint64_t file_size, Time now);

  std::optional<Action> poll();
  void datagram(Bytes packet, Time now);
  void timeout(Time now);  // harmless before the deadline
  Time deadline() const { return deadline_; }

  void abandoned(std::string_view why);  // the client's port is closed, or it began anew
  void file_unreadable();                // nor could it read it at all
  void file_cut_short();                 // the driver could not read what SendData named
  void stop();                           // the server ends

  bool over() const { return finished_.has_value(); }
  bool answered() const { return started_; }        // by the client, at least once
  std::uint64_t acknowledged() const;               // bytes of the file
  std::uint64_t resent() const { return resent_; }  // DATA packets sent more than once
  int tries() const { return tries_; }

 private:
  bool waits_for_ack0() const { return oack_ && !started_; }
  std::optional<std::uint64_t> widen(std::uint16_t wire) const;
  void acknowledge(std::uint64_t block, Time now);
  void arm(Time now);
  void fail(ErrorCode code, std::string_view text, End end);
  void finish(Finished finished);

  const std::uint16_t block_size_, window_;
  const std::optional<std::chrono::seconds> timeout_;
  const bool oack_;
  const std::uint64_t size_, last_;  // the file's bytes, and the block that ends it
  std::uint64_t acked_ = 0, next_ = 1, highest_ = 0;
  std::uint64_t resent_ = 0;
  int tries_ = 0;
  bool oack_due_;
  bool started_ = false;       // the client has answered
  bool answered_old_ = false;  // this window was resent for an old ACK already
  std::optional<SendError> error_;
  std::optional<Finished> finished_;
  bool reported_ = false;
  const Time latest_start_;  // for the client's first answer
  Time deadline_;
};

}  // namespace tftp
