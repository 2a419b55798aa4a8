#pragma once
#include <algorithm>
#include <cstddef>

#include "protocols/tftp/transfer.hpp"
#include "tests/fuzz/require.hpp"

namespace fuzz {

// What was sent to an address that may be forged: the first answer, one more each time that it asks again,
// and as many as fit into three times what came from it.
class Unanswered {
 public:
  explicit Unanswered(std::size_t request_size) : request_size_(request_size), heard_(request_size) {}

  void asked_again(tftp::Time now) {
    heard_ += request_size_;
    if (now - asked_ < std::chrono::milliseconds(500)) return;  // the network doubled it
    asked_ = now;
    allow_one();
  }
  void allow_one() { ++allowed_; }
  void sent(std::size_t bytes) {
    if (packets_ == 0) first_ = bytes;
    ++packets_;
    bytes_ += bytes;
    require(bytes_ <= std::max(allowed_ * first_, 3 * heard_),
            "before the client answers it gets three times what came from it");
  }

 private:
  tftp::Time asked_{};
  const std::size_t request_size_;
  std::size_t heard_, allowed_ = 1, first_ = 0, packets_ = 0, bytes_ = 0;
};

}  // namespace fuzz
