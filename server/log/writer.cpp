#include "server/log/writer.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "conf/log.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/service_manager.hpp"
#include "server/text/escape.hpp"
#include "server/text/json.hpp"

namespace server {
namespace {

constexpr std::size_t most_bytes = 4 << 20;  // that wait to be written
constexpr auto memory_pause = std::chrono::milliseconds(10);

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Never waits for a reader of a pipe: one that has none is held open by us.
int open_file(const std::string& file) {
  constexpr int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  int fd = ::open(file.c_str(), O_WRONLY | flags, 0640);
  if (fd < 0 && errno == ENXIO) fd = ::open(file.c_str(), O_RDWR | flags, 0640);
  if (fd >= 0) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);  // the thread may wait
  return fd;
}

}  // namespace

LogWriter::LogWriter(const conf::Log& settings, const Sockets& sockets)
    : stream_(STDERR_FILENO), max_size_(settings.max_size) {
  using enum conf::LogTarget;
  const auto target = settings.destination.target;
  json_ = settings.format == conf::LogFormat::json;
  if (target == journal) open_socket(journal_, sockets.journal);
  if (target == syslog) open_socket(syslog_, sockets.syslog);
  if (target == automatic && stderr_is_journal()) {
    journal_.emplace(sockets.journal);
    journal_stream_ = static_cast<bool>(journal_->reach());  // a sandbox may hide the socket
    if (journal_stream_) journal_.reset();
  }
  if (target == file) {
    file_ = settings.destination.file.string();
    stream_ = open_file(file_);
    if (stream_ < 0)
      throw std::system_error(errno, std::system_category(), "cannot open the log file " + file_);
  }
  thread_ = std::thread(&LogWriter::run_on, this);
}

void LogWriter::open_socket(std::optional<LogSocket>& socket, const std::string& path) {
  socket.emplace(path);
  if (const auto error = socket->reach())
    fmt::print(stderr, "apdepot: nobody takes the log at {} ({}): lines are dropped until somebody does\n",
               path, error.message());
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
  if (file_.empty()) return;
  struct stat ours {};
  struct stat there {};
  tried_ = false;
  bool known = ::fstat(stream_, &ours) == 0;
  const bool in_place = known && ::stat(file_.c_str(), &there) == 0 && there.st_ino == ours.st_ino &&
                        there.st_dev == ours.st_dev;
  if (const int fresh = in_place ? -1 : open_file(file_); fresh >= 0) {
    ::close(stream_);
    stream_ = fresh;
    known = ::fstat(stream_, &ours) == 0;
  }
  // Somebody may have cut it off where it lies, as logrotate's copytruncate does.
  regular_ = known && S_ISREG(ours.st_mode);
  size_ = regular_ ? static_cast<std::uint64_t>(ours.st_size) : 0;
  stuck_ = stuck_ && size_ >= max_size_;
}

// Where another line goes. A file that cannot be turned over may grow to twice its size, for the
// administrator to see the warning.
bool LogWriter::has_room(std::size_t bytes) {
  if (!regular_ || size_ == 0 || size_ + bytes <= max_size_) return true;
  if (!std::exchange(tried_, true) && turn_over()) return true;
  if (size_ + bytes <= 2 * max_size_) return true;
  why_ = escaped_path(file_) + " has reached twice log.max_size and cannot be renamed";
  return false;
}

// By rename, so that no line is lost or cut. Behind a link, the file that it leads to.
bool LogWriter::turn_over() {
  std::error_code error;
  const auto file = std::filesystem::canonical(file_, error);
  const auto old = file.string() + ".1";
  if (!error) std::filesystem::rename(file, old, error);
  if (!error) {
    if (const int fresh = open_file(file_); fresh >= 0) {
      ::close(stream_);
      stream_ = fresh;
      size_ = 0;
      stuck_ = false;
      return true;
    }
    error = {errno, std::generic_category()};
    std::error_code ignored;
    std::filesystem::rename(old, file, ignored);
  }
  if (!std::exchange(stuck_, true)) {
    const auto why = error.message(), name = escaped_path(file_);
    tell(fmt::format("{} has reached log.max_size and cannot become {}.1 ({}): at twice that size lines are "
                     "dropped; let this user write to the folder, or logrotate move the file away",
                     name, name, why),
         "log.stuck", 0, why);
  }
  return false;
}

bool LogWriter::put(const Line& line) try {
  if (syslog_) return send(*syslog_, syslog_record(line.severity, line.text, line.milliseconds));
  if (journal_) return send(*journal_, journal_record(line.severity, line.text, line.fields));
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

bool LogWriter::send(const LogSocket& socket, std::string_view record) {
  const auto error = socket.send(record);
  if (error) why_ = fmt::format("{}: {}", socket.path(), error.message());
  return !error;
}

bool LogWriter::put_to_stream(std::string text) {
  if (broken_off_) text.insert(0, 1, '\n');
  if (!has_room(text.size())) return false;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto count = ::write(stream_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      broken_off_ |= rest.size() < text.size();
      why_ = std::generic_category().message(errno);
      return false;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
    size_ += static_cast<std::size_t>(count);
  }
  broken_off_ = false;
  return true;
}

}  // namespace server
