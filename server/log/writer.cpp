#include "server/log/writer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "conf/log.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/service_manager.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr std::size_t most_bytes = 4 << 20;  // that wait to be written
constexpr auto memory_pause = std::chrono::milliseconds(10);

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

LogWriter::LogWriter(const conf::Log& settings, const Sockets& sockets) : max_size_(settings.max_size) {
  using enum conf::LogTarget;
  const auto target = settings.destination.target;
  json_ = settings.format == conf::LogFormat::json;
  if (target == journal) open_host_log(SystemLog::Kind::journal, sockets.journal);
  if (target == syslog) open_host_log(SystemLog::Kind::syslog, sockets.syslog);
  if (target == automatic && stderr_is_journal()) {
    host_.emplace(SystemLog::Kind::journal, sockets.journal);
    journal_stream_ = static_cast<bool>(host_->reach());  // a sandbox may hide the socket
    if (journal_stream_) host_.reset();
  }
  if (target == file) {
    stream_.emplace(settings.destination.file);
    if (host_log_beside_file()) host_.emplace(SystemLog::Kind::journal, sockets.journal);
  } else if (!host_) {
    stream_.emplace();
  }
  thread_ = std::thread(&LogWriter::run_on, this);
}

void LogWriter::open_host_log(SystemLog::Kind kind, const std::string& path) {
  host_.emplace(kind, path);
  if (const auto error = host_->reach())
    fmt::print(stderr, "apdepot: nobody takes the log at {} ({}): lines are dropped until somebody does\n",
               host_->place(), error.message());
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
}

void LogWriter::write(Severity severity, std::string text, std::vector<LogField> fields) {
  auto bytes = text.size();
  for (const auto& field : fields) bytes += field.value.size();
  {
    const std::lock_guard lock(mutex_);
    if (bytes_ + bytes > most_bytes) {
      ++dropped_;
      return;
    }
    bytes_ += bytes;
    lines_.push_back({milliseconds_now(), severity, std::move(text), std::move(fields)});
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
      unread_ += std::exchange(dropped_, 0);
    }
    follow_file();
    for (const auto& line : lines) {
      if (!put(line)) {
        ++unwritten_;
      } else {
        tell_dropped(unwritten_, why_);
      }
    }
    tell_dropped(unread_, "whoever reads the log is too slow");
  }
}

bool LogWriter::tell(std::string text, std::string_view event, std::uint64_t lines, const std::string& why) {
  text.insert(0, "apdepot: ");
  if (json_) {
    JsonObject fields;
    fields.add("lines", lines);
    fields.add("reason", why);
    fields.add("event", event);
    fields.add_safe("text", text);
    text = fields.text();
  }
  return put({milliseconds_now(), Severity::warning, std::move(text)});
}

// Again with the next line, if there is no room for this one, or no memory: the lines that follow do not
// suffer.
void LogWriter::tell_dropped(std::uint64_t& lines, const std::string& why) {
  if (lines == 0) return;
  succeeds([&] {
    if (tell(fmt::format("{} log lines were dropped: {}", lines, why), "log.dropped", lines, why)) lines = 0;
  });
}

void LogWriter::follow_file() {
  if (!stream_ || stream_->file().empty()) return;
  tried_ = false;
  if (!stream_->is_in_place()) stream_->open_again();
  // Somebody may have cut it off where it lies, as logrotate's copytruncate does.
  const auto size = stream_->size();
  regular_ = size.regular;
  size_ = size.bytes;
  stuck_ = stuck_ && size_ >= max_size_;
}

// Where another line goes. A file that cannot be turned over may grow to twice its size, for the
// administrator to see the warning.
bool LogWriter::has_room(std::size_t bytes) {
  if (!regular_ || size_ == 0 || size_ + bytes <= max_size_) return true;
  if (!std::exchange(tried_, true) && turn_over()) return true;
  if (size_ + bytes <= 2 * max_size_) return true;
  why_ = escaped_path(storage::utf8_of(stream_->file())) +
         " has reached twice log.max_size and cannot be renamed";
  return false;
}

// By rename, so that no line is lost or cut. Behind a link, the file that it leads to.
bool LogWriter::turn_over() {
  std::error_code error;
  const auto file = std::filesystem::canonical(stream_->file(), error);
  auto old = file;
  old += ".1";
  if (!error) std::filesystem::rename(file, old, error);
  if (!error) {
    error = stream_->open_again();
    if (!error) {
      size_ = 0;
      stuck_ = false;
      return true;
    }
    std::error_code ignored;
    std::filesystem::rename(old, file, ignored);
  }
  if (!std::exchange(stuck_, true)) {
    const auto why = error.message(), name = escaped_path(storage::utf8_of(stream_->file()));
    tell(fmt::format("{} has reached log.max_size and cannot become {}.1 ({}): at twice that size lines are "
                     "dropped; let this user write to the folder, or logrotate move the file away",
                     name, name, why),
         "log.stuck", 0, why);
  }
  return false;
}

bool LogWriter::put(const Line& line) try {
  if (host_) {
    const auto error = host_->write(line.severity, line.text, line.fields, line.milliseconds);
    if (!stream_) {
      if (error) why_ = fmt::format("{}: {}", host_->place(), error.message());
      return !error;
    }
  }
  if (journal_stream_)
    return put_to_stream(fmt::format("<{}>{}\n", static_cast<int>(line.severity), line.text));
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
  if (!has_room(text.size())) return false;
  const auto written = stream_->write(text);
  size_ += written.bytes;
  if (written.error) {
    broken_off_ |= written.bytes > 0;
    why_ = written.error.message();
    return false;
  }
  broken_off_ = false;
  return true;
}

}  // namespace server
