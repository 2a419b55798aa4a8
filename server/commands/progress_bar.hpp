#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace server {

// A line on the terminal, on stderr, that is written over as a command goes on, and wiped out at its end.
// Nothing where nobody watches.
class ProgressBar {
 public:
  explicit ProgressBar(const std::string& what);  // raw: a file or a URL
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();
  // Bytes; without a total only the bytes are told.
  void show(std::uint64_t done, std::optional<std::uint64_t> total);

 private:
  const std::string what_;
  const bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace server
