#pragma once
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace scp {

// Bytes that came in and wait to be worked on. While they are pinned they stay where they are, whatever comes
// in meanwhile.
class Input {
 public:
  std::span<const std::byte> bytes() const {
    return std::span(now_).subspan(begin_);
  }  // without what came later
  std::size_t size() const { return now_.size() - begin_ + later_.size(); }
  std::size_t held() const { return now_.capacity() + later_.capacity(); }  // of memory

  void append(std::span<const std::byte> bytes) {
    auto& to = pinned_ ? later_ : now_;
    if (!pinned_ && begin_ > now_.size() / 2) drop_consumed();
    to.insert(to.end(), bytes.begin(), bytes.end());
  }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == now_.size() && !pinned_) now_.clear(), begin_ = 0;
  }
  void pin() { pinned_ = true; }
  void unpin() {
    pinned_ = false;
    if (begin_ == now_.size()) {
      now_.clear();
      begin_ = 0;
      now_.swap(later_);
    } else if (!later_.empty()) {
      append(std::exchange(later_, {}));
    }
  }

 private:
  void drop_consumed() {
    now_.erase(now_.begin(), now_.begin() + static_cast<std::ptrdiff_t>(std::exchange(begin_, 0)));
  }

  std::vector<std::byte> now_, later_;
  std::size_t begin_ = 0;  // in now_
  bool pinned_ = false;
};

}  // namespace scp
