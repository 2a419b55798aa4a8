#pragma once
#include <cstddef>
#include <system_error>

namespace storage {

// Why an upload, or a change below an uploads folder, is refused by us and not by the system. The message is
// a sentence for the log and the client, with the key that decides. Each compares equal to the errc that
// protocols have a code for: no_space_on_device for the bounds, file_exists, file_too_large, and
// permission_denied for the rest.
enum class UploadError {
  total = 1,       // uploads.max_total
  files,           // uploads.max_files
  folders,         // uploads.max_folders
  reserve,         // uploads.reserve
  depth,           // deepest_upload
  others,          // somebody else sent it, or nobody did
  elsewhere,       // the folder lies on another file system than state/
  unknown_sender,  // the file system cannot record who sent it
  outside,         // not below uploads/
  exists,          // nothing is replaced
  too_large,       // ssh.max_upload
};

std::error_code make_error_code(UploadError error);
bool is_upload_error(std::error_code error);

// Folders below uploads/, one in another.
constexpr std::size_t deepest_upload = 16;

}  // namespace storage

template <>
struct std::is_error_code_enum<storage::UploadError> : std::true_type {};
