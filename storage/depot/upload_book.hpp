#pragma once
#include <chrono>
#include <cstdint>
#include <system_error>

#include "storage/depot/upload_limits.hpp"

namespace storage {

// What uploads take up.
struct UploadUse {
  std::uint64_t bytes = 0, files = 0, folders = 0;
  UploadUse& operator+=(const UploadUse& more);
  UploadUse& operator-=(const UploadUse& less);  // never below nothing
  friend bool operator==(const UploadUse&, const UploadUse&) = default;
};

// Who may take what: the arithmetic of UploadAccount, without its lock, its disk and its clock.
class UploadBook {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void bound_by(const UploadLimits& limits) { limits_ = limits; }

  // What lies in the uploads folders, and what uploads under way have taken. take() counts unless it answers
  // with the bound that is in the way.
  std::error_code obstacle(const UploadUse& more) const;
  std::error_code take(const UploadUse& more);
  void give_back(const UploadUse& taken);  // by an upload that vanished, or became smaller
  void publish(const UploadUse& taken);
  void remove(const UploadUse& published);
  UploadUse all() const;

  // A count of what lies there corrects the arithmetic. At most a tenth of the time is spent on counting,
  // and one counts at a time. What is published while somebody counts is added to the count: he may have seen
  // it, or not.
  bool may_count(Time now) const;
  void begin_count(Time now);
  void end_count(const UploadUse& found, Time now);
  void break_off_count(Time now);
  bool counting() const { return counting_; }
  bool counted() const { return counted_; }

  // The disk beyond the reserve. What was seen of it holds for a second or some MiB.
  bool knows_room(std::uint64_t bytes, Time now) const;
  void see_disk(std::uint64_t free, Time now);                // what anybody may still write there
  bool spend(std::uint64_t bytes);                            // false: that would go into the reserve
  void written(std::uint64_t bytes) { in_flight_ -= bytes; }  // what was spent, or not written after all

 private:
  UploadLimits limits_;
  UploadUse published_, under_way_, published_meanwhile_;
  bool counting_ = false, counted_ = false, tried_ = false;
  Time count_began_, may_count_from_;
  std::uint64_t room_ = 0, spent_ = 0, in_flight_ = 0;
  Time seen_;
};

}  // namespace storage
