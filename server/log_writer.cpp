#include "server/log_writer.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "server/json.hpp"
#include "server/service.hpp"

namespace server {
namespace {

constexpr std::size_t most_bytes = 4 << 20;  // that wait to be written
constexpr auto memory_pause = std::chrono::milliseconds(10);

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

int open_file(const std::string& file) {
  return ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

}  // namespace

LogWriter::LogWriter(const conf::Log& settings) : stream_(STDERR_FILENO) {
  using enum conf::LogTarget;
  journal_ = settings.target == journal || (settings.target == automatic && stderr_is_journal());
  syslog_ = settings.target == conf::LogTarget::syslog;
  json_ = settings.format == conf::LogFormat::json;
  if (syslog_) ::openlog("apdepot", LOG_PID | LOG_NDELAY, LOG_DAEMON);
  if (settings.target == file) {
    file_ = settings.file.string();
    stream_ = open_file(file_);
    if (stream_ < 0)
      throw std::system_error(errno, std::system_category(), "cannot open the log file " + file_);
  }
  thread_ = std::thread(&LogWriter::run_on, this);
}

bool LogWriter::close(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  more_.notify_all();
  return more_.wait_for(lock, patience, [this] { return stopped_; });
}

LogWriter::~LogWriter() {
  close(std::chrono::milliseconds(0));
  thread_.join();
  if (!file_.empty()) ::close(stream_);
}

void LogWriter::write(Severity severity, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes_ + text.size() > most_bytes) {
      ++dropped_;
      return;
    }
    bytes_ += text.size();
    lines_.push_back({milliseconds_now(), severity, std::move(text)});
  }
  more_.notify_all();
}

// Where memory is short some lines are lost, but not all that follow.
void LogWriter::run_on() {
  for (;;) {
    try {
      return run();
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(memory_pause);
    }
  }
}

void LogWriter::run() {
  for (;;) {
    std::deque<Line> lines;
    std::uint64_t dropped = 0;
    {
      std::unique_lock lock(mutex_);
      more_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
      if (lines_.empty()) {
        stopped_ = true;
        more_.notify_all();
        return;
      }
      lines.swap(lines_);
      bytes_ = 0;
      dropped = std::exchange(dropped_, 0);
    }
    follow_file();
    for (const auto& line : lines) {
      if (!put(line)) {
        ++unwritten_;
      } else if (unwritten_ > 0) {
        tell_dropped(std::exchange(unwritten_, 0), why_);
      }
    }
    if (dropped > 0) tell_dropped(dropped, "whoever reads the log is too slow");
  }
}

void LogWriter::tell_dropped(std::uint64_t lines, const std::string& why) {
  auto text = fmt::format("apdepot: {} log lines were dropped: {}", lines, why);
  if (json_) {
    JsonObject fields;
    fields.add("lines", lines);
    fields.add("reason", why);
    fields.add("event", "log.dropped");
    fields.add_safe("text", text);
    text = fields.text();
  }
  put({milliseconds_now(), Severity::warning, std::move(text)});
}

void LogWriter::follow_file() {
  if (file_.empty()) return;
  struct stat ours {};
  struct stat there {};
  const bool in_place = ::stat(file_.c_str(), &there) == 0 && ::fstat(stream_, &ours) == 0 &&
                        there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
  const int fresh = in_place ? -1 : open_file(file_);
  if (fresh < 0) return;
  ::close(stream_);
  stream_ = fresh;
}

bool LogWriter::put(const Line& line) try {
  if (syslog_) return ::syslog(static_cast<int>(line.severity), "%s", line.text.c_str()), true;
  if (journal_) return put_to_stream(fmt::format("<{}>{}\n", static_cast<int>(line.severity), line.text));
  const auto time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                  fmt::gmtime(static_cast<std::time_t>(line.milliseconds / 1000)), line.milliseconds % 1000);
  return put_to_stream(json_ && line.text.starts_with('{')
                           ? fmt::format("{{\"time\":\"{}\",{}\n", time, line.text.substr(1))
                           : fmt::format("{} {}\n", time, line.text));
} catch (const std::bad_alloc&) {
  why_ = "out of memory";  // so short that it needs none
  return false;
}

bool LogWriter::put_to_stream(std::string text) {
  if (broken_off_) text.insert(0, 1, '\n');
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto count = ::write(stream_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      why_ = std::generic_category().message(errno);
      broken_off_ |= rest.size() < text.size();
      return false;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  broken_off_ = false;
  return true;
}

}  // namespace server
