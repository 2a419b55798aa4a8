#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "server/api/fleet.hpp"

namespace server {

// What was said of devices lately. The history writes it within a second or two, and until then it would not
// be in an answer. Lives on the loop; what fresh() gives is any thread's.
class Said {
 public:
  using Clock = std::chrono::steady_clock;
  using Rows = std::vector<storage::record::Described>;
  static constexpr std::chrono::seconds kept{30};

  explicit Said(std::function<bool(storage::Record)> keep) : keep_(std::move(keep)) {}

  // False: there is no history that could keep it.
  bool say(Rows rows, Clock::time_point now) {
    if (!keep_(storage::record::Descriptions{rows})) return false;
    rows_ = std::make_shared<const Rows>(with_fresh(*fresh(now), rows));
    said_ = now;
    return true;
  }
  std::shared_ptr<const Rows> fresh(Clock::time_point now) {
    if (now - said_ > kept) rows_ = std::make_shared<const Rows>();
    return rows_;
  }

 private:
  const std::function<bool(storage::Record)> keep_;
  std::shared_ptr<const Rows> rows_ = std::make_shared<const Rows>();
  Clock::time_point said_{};
};

}  // namespace server
