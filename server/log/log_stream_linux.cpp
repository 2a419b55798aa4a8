#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "server/log/log_stream.hpp"

namespace server {
namespace {

// Never waits for a reader of a pipe: one that has none is held open by us.
int open_file(const std::filesystem::path& file) {
  constexpr int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  int fd = ::open(file.c_str(), O_WRONLY | flags, 0640);
  if (fd < 0 && errno == ENXIO) fd = ::open(file.c_str(), O_RDWR | flags, 0640);
  if (fd >= 0) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);  // the thread may wait
  return fd;
}

std::error_code last_error() { return {errno, std::generic_category()}; }

int descriptor(std::intptr_t handle) { return static_cast<int>(handle); }

}  // namespace

LogStream::LogStream() : handle_(STDERR_FILENO) {}

LogStream::LogStream(const std::filesystem::path& file) : file_(file), handle_(open_file(file)) {
  if (handle_ < 0) throw std::system_error(last_error(), "cannot open the log file " + file.string());
}

LogStream::~LogStream() {
  if (!file_.empty()) ::close(descriptor(handle_));
}

bool LogStream::is_in_place() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(descriptor(handle_), &ours) == 0 && ::stat(file_.c_str(), &there) == 0 &&
         there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
}

std::error_code LogStream::open_again() {
  const int fresh = open_file(file_);
  if (fresh < 0) return last_error();
  ::close(descriptor(std::exchange(handle_, fresh)));
  return {};
}

LogStream::Size LogStream::size() const {
  struct stat ours {};
  if (::fstat(descriptor(handle_), &ours) != 0 || !S_ISREG(ours.st_mode)) return {};
  return {true, static_cast<std::uint64_t>(ours.st_size)};
}

LogStream::Written LogStream::write(std::string_view text) const {
  Written written;
  while (written.bytes < text.size()) {
    const auto rest = text.substr(written.bytes);
    const auto count = ::write(descriptor(handle_), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      written.error = last_error();
      break;
    }
    written.bytes += static_cast<std::size_t>(count);
  }
  return written;
}

}  // namespace server
