#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace protocols {

// Bytes on their way out. What was put in counts from commit() on. Room for a file's bytes is made without
// being cleared first, and stays where it is until the next byte is put in, so that a read may fill it while
// earlier bytes are being taken out.
class OutputBuffer {
 public:
  std::span<const std::byte> bytes() const { return {data_.get() + begin_, whole_ - begin_}; }  // committed
  std::size_t size() const { return whole_ - begin_; }
  std::size_t capacity() const { return capacity_; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = whole_ = end_ = 0;
  }
  void release() {  // an idle session keeps no buffer
    if (end_ == begin_) *this = OutputBuffer{};
  }

  std::span<std::byte> grow(std::size_t count) {
    reserve(count);
    end_ += count;
    return {data_.get() + end_ - count, count};
  }
  void shrink(std::size_t count) { end_ -= count; }
  void append(std::string_view text) {
    if (!text.empty()) std::memcpy(grow(text.size()).data(), text.data(), text.size());
  }
  std::span<std::byte> uncommitted() { return {data_.get() + whole_, end_ - whole_}; }
  void commit() { whole_ = end_; }
  void drop() { end_ = whole_; }  // what was not committed

 private:
  void reserve(std::size_t count) {
    if (end_ + count <= capacity_) return;
    const auto used = end_ - begin_;
    if (used + count <= capacity_ && used <= begin_) {
      std::memcpy(data_.get(), data_.get() + begin_, used);
    } else {
      // With some more, or thousands of small answers would each move all those before.
      const auto capacity = std::max(used + count + std::clamp(used, least_spare, most_spare), capacity_);
      auto fresh = std::make_unique_for_overwrite<std::byte[]>(capacity);
      if (used > 0) std::memcpy(fresh.get(), data_.get() + begin_, used);
      data_ = std::move(fresh);
      capacity_ = capacity;
    }
    whole_ -= begin_;
    begin_ = 0;
    end_ = used;
  }

  static constexpr std::size_t least_spare = 256, most_spare = 16 << 10;

  std::unique_ptr<std::byte[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, whole_ = 0, end_ = 0;
};

}  // namespace protocols
