#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace server {

// Sees to it that the log has one line a text, and not for ever: a client chooses the texts, and how many.
// Keeps eight bytes of each, whatever its length. One thread at a time.
class ToldOnce {
 public:
  explicit ToldOnce(std::size_t most) : most_(most) {}

  // Whether `text` is to be told: for the first time, and while `most` were not.
  bool is_new(std::string_view text) {
    if (told_.size() >= most_) return false;
    const auto key = hash(text);
    if (std::ranges::find(told_, key) != told_.end()) return false;
    told_.push_back(key);
    return true;
  }

 private:
  // With a number in front that no client knows, so that none can make up texts that hide each other.
  static std::uint64_t hash(std::string_view text) {
    static const auto secret = [] {
      std::random_device device;
      return std::to_string(device()) + std::to_string(device());
    }();
    return std::hash<std::string>{}(secret + std::string(text));
  }

  const std::size_t most_;
  std::vector<std::uint64_t> told_;
};

}  // namespace server
