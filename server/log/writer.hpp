#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "conf/settings.hpp"

namespace server {

// syslog's numbers.
enum class Severity : std::uint8_t {
  error = 3,
  warning = 4,
  notice = 5,
  info = 6,
  debug = 7
};  // as syslog counts

// Takes lines on any thread and writes them on its own, because a full pipe or a slow disk must not stop the
// loop. Lines that the reader is too slow for, or the disk too full, are dropped, and their number is told as
// soon as one can be written again. When its file is moved or removed (logrotate), it goes on in a new one.
// When the file has reached settings.max_size it becomes FILE.1 in place of the one before. Where that cannot
// be done it grows to twice that size, and lines are dropped until there is room.
class LogWriter {
 public:
  // Throws std::system_error when the file cannot be opened.
  explicit LogWriter(const conf::Log& settings);
  ~LogWriter();  // waits until everything is written
  // Writes what is left. False when the reader does not take it within `patience`: then the process can only
  // exit.
  bool close(std::chrono::milliseconds patience);
  void write(Severity severity, std::string text);

 private:
  struct Line {
    std::int64_t milliseconds;  // since 1970
    Severity severity;
    std::string text;
  };
  void run_on();
  void run();
  bool put(const Line& line);
  bool put_to_stream(std::string text);
  bool tell(std::string text, std::string_view event, std::uint64_t lines, const std::string& why);
  void tell_dropped(std::uint64_t& lines, const std::string& why);
  void follow_file();
  bool has_room(std::size_t bytes);
  bool turn_over();

  bool journal_ = false, syslog_ = false, json_ = false;
  std::string file_;  // none: stderr
  int stream_;
  std::uint64_t max_size_;
  bool regular_ = false;  // a pipe has no size, and is not renamed
  std::uint64_t size_ = 0;
  bool tried_ = false;           // to turn it over, since the last look at it
  bool stuck_ = false;           // that failed, and was told
  std::uint64_t unread_ = 0;     // lines that the reader was too slow for
  std::uint64_t unwritten_ = 0;  // lines that could not be written,
  std::string why_;              // and why
  bool broken_off_ = false;      // in the middle of the last one
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;  // in lines_
  std::uint64_t dropped_ = 0;
  bool stopping_ = false, stopped_ = false;
  std::thread thread_;
};

}  // namespace server
