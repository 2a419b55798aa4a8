#pragma once
#include <cstddef>

#include "protocols/tftp/transfer.hpp"
#include "tests/fuzz/require.hpp"

namespace fuzz {

// What was sent to an address that may be forged: besides the first answer 5 packets and 600 bytes, and one
// more answer each time that it asks again.
class Unanswered {
 public:
  void asked_again(tftp::Time now) {
    if (now - asked_ < std::chrono::milliseconds(500)) return;  // the network doubled it
    asked_ = now;
    allow_one();
  }
  void allow_one() { ++allowed_; }
  void sent(std::size_t bytes) {
    if (packets_ == 0) first_ = bytes;
    ++packets_;
    bytes_ += bytes;
    require(packets_ <= allowed_ + 5, "before the client answers it gets 5 packets more");
    require(bytes_ <= allowed_ * first_ + 600, "before the client answers it gets 600 bytes more");
  }

 private:
  tftp::Time asked_{};
  std::size_t allowed_ = 1, first_ = 0, packets_ = 0, bytes_ = 0;
};

}  // namespace fuzz
