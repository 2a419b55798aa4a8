#pragma once
#include <chrono>
#include <cstddef>
#include <optional>

namespace storage {
class LiveCatalogue;
}  // namespace storage

namespace server {

class Workers;

// How many releases are served, for the status. Lives on the loop; counts on the worker that has the
// catalogue.
class ReleaseCount {
 public:
  using Clock = std::chrono::steady_clock;

  ReleaseCount(Workers& explaining, storage::LiveCatalogue& catalogue)
      : explaining_(explaining), catalogue_(catalogue) {}

  // As it was counted last, some seconds ago; nothing before the first time. Begins to count again where it
  // is time, but once only where that takes a scan of the disk.
  std::optional<std::size_t> latest(Clock::time_point now);

 private:
  Workers& explaining_;
  storage::LiveCatalogue& catalogue_;
  std::optional<std::size_t> counted_;
  std::optional<Clock::time_point> begun_;
  bool counting_ = false, costly_ = false;
};

}  // namespace server
