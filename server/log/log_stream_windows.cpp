#include <algorithm>
#include <utility>

#include "server/log/log_stream.hpp"
#include "server/os/wide.hpp"
#include "storage/files/path_text.hpp"

namespace server {
namespace {

constexpr std::size_t most_at_once = 1 << 20;

HANDLE native(std::intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }

HANDLE open_file(const std::filesystem::path& file, DWORD access, DWORD how) {
  return ::CreateFileW(file.c_str(), access, share_all, nullptr, how, FILE_ATTRIBUTE_NORMAL, nullptr);
}

// What is written goes to the end of the file, wherever that is by then.
std::intptr_t open_to_append(const std::filesystem::path& file) {
  return reinterpret_cast<std::intptr_t>(
      open_file(file, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE, OPEN_ALWAYS));
}

bool is_open(std::intptr_t handle) { return native(handle) != INVALID_HANDLE_VALUE; }

}  // namespace

LogStream::LogStream() : handle_(reinterpret_cast<std::intptr_t>(::GetStdHandle(STD_ERROR_HANDLE))) {}

LogStream::LogStream(const std::filesystem::path& file) : file_(file), handle_(open_to_append(file)) {
  if (!is_open(handle_))
    throw std::system_error(last_error(), "cannot open the log file " + storage::utf8_of(file));
}

LogStream::~LogStream() {
  if (!file_.empty()) ::CloseHandle(native(handle_));
}

bool LogStream::is_in_place() const {
  const KernelHandle found(open_file(file_, FILE_READ_ATTRIBUTES, OPEN_EXISTING));
  BY_HANDLE_FILE_INFORMATION ours{}, there{};
  return found && ::GetFileInformationByHandle(native(handle_), &ours) &&
         ::GetFileInformationByHandle(found.get(), &there) &&
         ours.dwVolumeSerialNumber == there.dwVolumeSerialNumber &&
         ours.nFileIndexHigh == there.nFileIndexHigh && ours.nFileIndexLow == there.nFileIndexLow;
}

std::error_code LogStream::open_again() {
  const auto fresh = open_to_append(file_);
  if (!is_open(fresh)) return last_error();
  ::CloseHandle(native(std::exchange(handle_, fresh)));
  return {};
}

LogStream::Size LogStream::size() const {
  LARGE_INTEGER bytes{};
  if (::GetFileType(native(handle_)) != FILE_TYPE_DISK || !::GetFileSizeEx(native(handle_), &bytes))
    return {};
  return {true, static_cast<std::uint64_t>(bytes.QuadPart)};
}

LogStream::Written LogStream::write(std::string_view text) const {
  Written written;
  while (written.bytes < text.size()) {
    const auto size = static_cast<DWORD>(std::min(text.size() - written.bytes, most_at_once));
    DWORD count = 0;
    if (!::WriteFile(native(handle_), text.data() + written.bytes, size, &count, nullptr)) {
      written.error = last_error();
      break;
    }
    written.bytes += count;
  }
  return written;
}

}  // namespace server
