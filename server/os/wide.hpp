#pragma once
// For *_windows.cpp alone: text as Windows takes it, and its errors. Pure; any thread.
#include <windows.h>
#include <winsock2.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace server {

// What is not UTF-8, or not UTF-16, has U+FFFD in its place: for texts that are shown. Paths are made by
// storage::path_of().
std::wstring wide(std::string_view utf8);
std::string narrow(std::wstring_view text);

std::filesystem::path own_program();  // the file of this process's program

inline std::error_code windows_error(DWORD error) {
  return {static_cast<int>(error), std::system_category()};
}
// Of the call before.
inline std::error_code last_error() { return windows_error(::GetLastError()); }
[[noreturn]] inline void fail(DWORD error, const std::string& what) {
  throw std::system_error(windows_error(error), what);
}

// Owns what CloseHandle() closes; null and INVALID_HANDLE_VALUE are none.
class KernelHandle {
 public:
  KernelHandle() = default;
  explicit KernelHandle(HANDLE handle) : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
  KernelHandle(KernelHandle&& other) noexcept : handle_(other.release()) {}
  KernelHandle& operator=(KernelHandle&& other) noexcept {
    const auto mine = handle_;
    handle_ = other.handle_;
    other.handle_ = mine;
    return *this;
  }
  ~KernelHandle() {
    if (handle_) ::CloseHandle(handle_);
  }
  HANDLE get() const { return handle_; }
  HANDLE release() {
    const auto handle = handle_;
    handle_ = nullptr;
    return handle;
  }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  HANDLE handle_ = nullptr;
};

constexpr DWORD share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

}  // namespace server
