#pragma once
#include <array>
#include <chrono>
#include <cstdint>

namespace server {

// How long the loop's turns took, in CPU time of its thread. A turn is one handler; while it runs, everybody
// else waits.
struct LoopTurns {
  // The last one is none.
  static constexpr std::array<std::chrono::nanoseconds, 8> bounds{
      std::chrono::microseconds(250), std::chrono::microseconds(500), std::chrono::milliseconds(1),
      std::chrono::milliseconds(2),   std::chrono::milliseconds(5),   std::chrono::milliseconds(10),
      std::chrono::milliseconds(20),  std::chrono::nanoseconds::max()};
  std::array<std::uint64_t, bounds.size()> counts{};  // up to each bound, and above the one before
  std::chrono::nanoseconds longest{0};

  std::uint64_t total() const;
  void add(std::chrono::nanoseconds time);
};

// Measures the loop it runs on. A reading of the CPU clock costs as much as a small packet, so turns that
// follow each other closely are read together: `longest` may be too long by `closely`, never too short.
class LoopMeter {
 public:
  static constexpr std::chrono::microseconds closely{250};
  using Clock = std::chrono::steady_clock;

  void begin(Clock::time_point now, std::chrono::nanoseconds used);
  // After each turn. `used` tells the thread's CPU time.
  template <class Used>
  void turn_ended(Clock::time_point now, Used used) {
    ++turns_;
    if (now - read_at_ >= closely) note(now, used());
  }

  const LoopTurns& measured() const { return measured_; }

 private:
  void note(Clock::time_point now, std::chrono::nanoseconds used);

  LoopTurns measured_;
  Clock::time_point read_at_;
  std::chrono::nanoseconds used_{0};
  std::uint64_t turns_ = 0;  // since the last reading
};

}  // namespace server
