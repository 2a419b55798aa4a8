#pragma once
#include <algorithm>
#include <chrono>
#include <optional>

namespace tftp {

// How long to wait for an answer before the packet goes out again. Until a round trip was measured one
// second, whatever the client negotiated, for its address may be forged; then RFC 6298's estimate; with every
// try twice as long. The first wait is then never longer than the timeout that the client negotiated, and a
// client that resends on its own at that pace is never kept waiting much longer.
class ResendTimer {
 public:
  using Duration = std::chrono::microseconds;

  explicit ResendTimer(std::optional<Duration> negotiated) : negotiated_(negotiated) {}

  Duration wait() const {
    auto wait = std::min(first_wait(), longest_wait());
    if (is_spread_ && tries_ > 0) return std::max(wait, tries_ == 1 ? second_of_few : third_of_few);
    for (int i = 0; i < tries_ && wait < longest_wait(); ++i) wait *= 2;
    return std::min(wait, longest_wait());
  }
  // How long nothing may come before the client counts as gone: tftpd-hpa's 63 s, or the client's own
  // patience, within two minutes.
  Duration patience() const {
    return std::clamp<Duration>(6 * negotiated_.value_or(Duration(0)), least_patience, most_patience);
  }

  // How long a receiver stays to acknowledge a repeated last DATA.
  Duration dally() const {
    return std::clamp<Duration>(2 * negotiated_.value_or(Duration(0)), least_dally, most_dally);
  }

  // Only of what was sent once: else it is unknown which copy was answered (Karn).
  void measured(Duration round_trip) {
    if (!estimated_) {
      mean_ = round_trip;
      deviation_ = round_trip / 2;
    } else {
      deviation_ = (3 * deviation_ + std::chrono::abs(mean_ - round_trip)) / 4;
      mean_ = (7 * mean_ + round_trip) / 8;
    }
    estimated_ = true;
  }
  bool is_measured() const { return estimated_; }
  // A resend turned out to have been too early: devices stop to write their flash.
  void was_needless() { least_wait_ = std::min(2 * least_wait_, unmeasured_wait); }

  // There are three tries only: they outlast an outage of five seconds.
  void spread_tries() { is_spread_ = true; }

  void try_again() { ++tries_; }
  void got_on() { tries_ = 0; }
  int tries() const { return tries_; }

 private:
  static constexpr Duration unmeasured_wait = std::chrono::seconds(1);
  static constexpr Duration least_patience = std::chrono::seconds(63),
                            most_patience = std::chrono::minutes(2);
  static constexpr Duration longest_unasked = std::chrono::seconds(8);
  static constexpr Duration second_of_few = std::chrono::seconds(1), third_of_few = std::chrono::seconds(4);
  static constexpr Duration least_dally = std::chrono::seconds(6), most_dally = std::chrono::seconds(30);

  Duration first_wait() const {
    if (!estimated_) return unmeasured_wait;
    const auto estimate = std::max(mean_ + 4 * deviation_, least_wait_);
    return std::min(estimate, negotiated_.value_or(estimate));
  }
  Duration longest_wait() const {
    return negotiated_ ? std::max(*negotiated_, unmeasured_wait) : longest_unasked;
  }

  const std::optional<Duration> negotiated_;
  bool estimated_ = false, is_spread_ = false;
  Duration mean_{0}, deviation_{0};
  Duration least_wait_ = std::chrono::milliseconds(100);
  int tries_ = 0;
};

}  // namespace tftp
