#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/log/log_stream.hpp"
#include "server/log/records.hpp"
#include "server/log/system_log.hpp"

namespace conf {
struct Log;
}  // namespace conf

namespace server {

// Takes lines on any thread and writes them on its own, because a full pipe or a slow disk must not stop the
// loop. Lines that the reader is too slow for, or the disk too full, are dropped, and their number is told as
// soon as one can be written again. When its file is moved or removed (logrotate), it goes on in a new one.
// When the file has reached settings.max_size it becomes FILE.1 in place of the one before. Where that cannot
// be done it grows to twice that size, and lines are dropped until there is room.
//
// To the journal and to syslog each line is a datagram under the tag that it begins with; on Windows both are
// the event log, which a service writes beside its file, too: what that does not take is in the file. Where
// nobody listens when it is made, it says so on stderr, and counts the lines as dropped until somebody does.
class LogWriter {
 public:
  // Where the two listen on this host.
  struct Sockets {
    std::string journal = "/run/systemd/journal/socket", syslog = "/dev/log";
  };
  // Throws std::system_error when the file cannot be opened.
  explicit LogWriter(const conf::Log& settings, const Sockets& sockets);
  explicit LogWriter(const conf::Log& settings) : LogWriter(settings, Sockets{}) {}
  ~LogWriter();  // waits until everything is written
  // Writes what is left. False when the reader does not take it within `patience`: then the process can only
  // exit.
  bool close(std::chrono::milliseconds patience);
  void write(Severity severity, std::string text, std::vector<LogField> fields = {});
  // Whether the fields of a line get anywhere. Any thread.
  bool takes_fields() const { return host_ && host_->takes_fields(); }

 private:
  struct Line {
    std::int64_t milliseconds;  // since 1970
    Severity severity;
    std::string text;
    std::vector<LogField> fields = {};
  };
  void run_on();
  void run();
  void open_host_log(SystemLog::Kind kind, const std::string& path);
  bool put(const Line& line);
  bool put_to_stream(std::string text);
  bool tell(std::string text, std::string_view event, std::uint64_t lines, const std::string& why);
  void tell_dropped(std::uint64_t& lines, const std::string& why);
  void follow_file();
  bool has_room(std::size_t bytes);
  bool turn_over();

  std::optional<SystemLog> host_;
  bool journal_stream_ = false, json_ = false;
  std::optional<LogStream> stream_;  // none: the host's log
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
