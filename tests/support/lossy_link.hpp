#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <utility>

namespace test {

// One direction of a network that loses, doubles and delays (and so reorders) packets, in virtual time and
// from a seed: the same seed gives the same run.
template <class Packet, class Time>
class LossyLink {
 public:
  struct Habits {
    double loss = 0, doubling = 0;
    std::chrono::microseconds delay{100}, jitter{0};
  };

  LossyLink(Habits habits, unsigned seed) : habits_(habits), random_(seed) {}

  void send(const Packet& packet, Time now) {
    if (chance(habits_.loss)) return;
    do {
      const auto jitter = std::uniform_int_distribution<std::int64_t>(0, habits_.jitter.count())(random_);
      under_way_.emplace(now + habits_.delay + std::chrono::microseconds(jitter), packet);
    } while (chance(habits_.doubling));
  }
  std::optional<Time> next() const {
    if (under_way_.empty()) return {};
    return under_way_.begin()->first;
  }
  Packet take() {
    auto packet = std::move(under_way_.begin()->second);
    under_way_.erase(under_way_.begin());
    return packet;
  }

 private:
  bool chance(double probability) { return std::bernoulli_distribution(probability)(random_); }

  Habits habits_;
  std::mt19937 random_;
  std::multimap<Time, Packet> under_way_;
};

}  // namespace test
