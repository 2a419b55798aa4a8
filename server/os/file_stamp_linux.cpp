#include "server/os/file_stamp.hpp"

#include <sys/stat.h>

#include <ctime>

namespace server {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * second + time.tv_nsec; }

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  // Some file systems keep whole seconds, and a clock may have been set back.
  const auto changed = nanoseconds(status.st_ctim);
  const bool fresh = nanoseconds(now) - changed < 2 * second;
  return FileStamp{
      status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
      changed,       fresh};
}

}  // namespace server
