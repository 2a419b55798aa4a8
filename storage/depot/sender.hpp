#pragma once
#include <string>
#include <string_view>

#include "storage/depot/upload_account.hpp"
#include "storage/files/file.hpp"

namespace storage {

// Who sends something: "sftp:NAME" for a user, by SFTP or SCP, "tftp:ADDRESS" for a device. It is recorded
// with each file and folder, and only the same sender may change it later.
struct Sender {
  UploadAccount& account;
  std::string name;
};

// On Linux the extended attribute user.apdepot.sender of a file or folder, on Windows its stream
// apdepot.sender, which no client can name. errc::not_supported where the file system has none.
std::error_code record_sender(NativeHandle handle, std::string_view name);
// Nothing where it is `name`; UploadError::others, or UploadError::unknown_sender.
std::error_code expect_sender(NativeHandle handle, std::string_view name);

}  // namespace storage
