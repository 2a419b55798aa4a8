#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "protocols/sftp/wire.hpp"

namespace sftp {

// OpenSSH's number, announced by limits@openssh.com: no packet is longer.
constexpr std::uint32_t longest_packet = 256 * 1024;

// What a client sent and nobody has worked at, cut into packets.
class Requests {
 public:
  // False: more than any client has a reason to send ahead.
  bool feed(Bytes bytes);
  // The next packet without its length, once it is whole.
  std::optional<Bytes> front();
  // The front is worked at, and stays where it is until it is done with; there is no other front before.
  void begin(Bytes front);
  void done();
  std::size_t size() const { return input_.size() - parsed_ + later_.size(); }  // bytes that wait
  std::size_t held() const { return input_.capacity() + later_.capacity(); }    // of memory
  bool malformed() const { return malformed_; }                                 // its length cannot be one

 private:
  void compact();
  void drop_done();
  void make_room_for(std::uint32_t size);

  std::vector<std::byte> input_;
  std::vector<std::byte> later_;  // came while a packet was worked at
  std::size_t parsed_ = 0;        // bytes of input_ that are done with
  bool busy_ = false, malformed_ = false;
};

}  // namespace sftp
