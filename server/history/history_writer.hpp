#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/history/record_book.hpp"

namespace server {

// Takes records on any thread and writes them to state/history.db on its own, with one commit a second at
// most. Nobody waits for it. What cannot be written is kept and tried again after a pause, which doubles up
// to a minute. A damaged file is moved aside, as FILE.broken in place of an older one, and a new history
// begins.
class HistoryWriter {
 public:
  // Records that wait, those of the present commit among them.
  static constexpr std::size_t most_waiting = 10'000;
  static constexpr std::chrono::seconds commit_pause{1};

  struct Limits {
    std::chrono::days days{0};    // after so many a row is removed
    std::uint64_t max_bytes = 0;  // of the file; beyond it the oldest rows are removed
  };
  // Hears sentences for the administrator, on the writer's thread.
  using Tell = std::function<void(std::string)>;

  HistoryWriter(std::filesystem::path file, const Limits& limits, Tell tell);
  ~HistoryWriter();  // waits until everything is written, or cannot be

  // False: it is left out, for too many wait already.
  bool put(storage::Record record);
  // Writes what waits. False when that fails, or takes longer than `patience`: then the process can only
  // exit.
  bool close(std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void wait_and_take();
  void write();
  void prune();
  void failed(const std::string& why);
  void set_aside(const std::string& why);
  void tell(const std::string& text) noexcept;

  const std::filesystem::path file_;
  const Limits limits_;
  const Tell tell_;

  // The thread's own.
  std::optional<storage::RecordBook> book_;
  std::vector<storage::Record> batch_;
  std::chrono::seconds pause_{0};  // after a failure
  Clock::time_point next_, prune_at_;

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<storage::Record> waiting_;
  std::size_t in_batch_ = 0;
  bool stopping_ = false, stopped_ = false;
  std::thread thread_;
};

}  // namespace server
