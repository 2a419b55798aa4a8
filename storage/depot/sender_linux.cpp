#include <sys/xattr.h>

#include <array>
#include <cerrno>

#include "storage/depot/sender.hpp"
#include "storage/depot/upload_error.hpp"

namespace storage {
namespace {

constexpr auto attribute = "user.apdepot.sender";

}  // namespace

std::error_code record_sender(int handle, std::string_view name) {
  if (::fsetxattr(handle, attribute, name.data(), name.size(), 0) == 0) return {};
  return {errno, std::system_category()};
}

std::error_code expect_sender(int handle, std::string_view name) {
  std::array<char, 256> value;
  const auto size = ::fgetxattr(handle, attribute, value.data(), value.size());
  if (size < 0 && errno == ENOTSUP) return UploadError::unknown_sender;
  if (size < 0 || std::string_view(value.data(), static_cast<std::size_t>(size)) != name)
    return UploadError::others;
  return {};
}

}  // namespace storage
