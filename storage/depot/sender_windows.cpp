#include "storage/depot/sender.hpp"

#include <array>

#include "storage/depot/upload_error.hpp"
#include "storage/files/file_windows.hpp"

namespace storage {
namespace {

constexpr auto stream_name = L":apdepot.sender";
constexpr std::size_t longest = 256;

// FAT, and some servers of shares, take the colon for a part of the name.
bool is_unknown(std::error_code error) {
  return error == error_of(ERROR_INVALID_NAME) || error == error_of(ERROR_INVALID_PARAMETER) ||
         error == error_of(ERROR_NOT_SUPPORTED);
}

// A stream is opened by a name alone, so it is looked at afterwards whose it is.
Result<Handle> checked(NativeHandle file, Result<Handle> stream) {
  if (!stream) return stream;
  const auto of = attributes_of(native(*stream)), wanted = attributes_of(reinterpret_cast<HANDLE>(file));
  if (!of || !wanted || of->version.device != wanted->version.device ||
      of->version.number != wanted->version.number)
    return std::unexpected(error_of(ERROR_FILE_NOT_FOUND));
  return stream;
}

Result<Handle> open_stream(NativeHandle file, ACCESS_MASK access) {
  const auto path = final_path(reinterpret_cast<HANDLE>(file), Volume::named);
  if (!path) return std::unexpected(path.error());
  return checked(file, open_path(*path + stream_name, access, Last::itself));
}

Result<Handle> make_stream(NativeHandle file, ACCESS_MASK access) {
  const auto path = final_path(reinterpret_cast<HANDLE>(file), Volume::named);
  if (!path) return std::unexpected(path.error());
  return checked(file, make_path(*path + stream_name, access, Make::file));
}

}  // namespace

std::error_code record_sender(NativeHandle handle, std::string_view name) {
  auto stream = make_stream(handle, FILE_WRITE_DATA);
  if (!stream && stream.error() == std::errc::file_exists) stream = open_stream(handle, FILE_WRITE_DATA);
  // Where there are no streams, a file whose name has a colon cannot be found either.
  if (!stream && (is_unknown(stream.error()) || stream.error() == std::errc::no_such_file_or_directory))
    return std::make_error_code(std::errc::not_supported);
  if (!stream) return stream.error();
  if (const auto error = write_at(native(*stream), std::as_bytes(std::span(name)), 0)) return error;
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(name.size());
  const bool done = ::SetFileInformationByHandle(native(*stream), FileEndOfFileInfo, &end, sizeof end) != 0;
  return done ? std::error_code() : last_error();
}

std::error_code expect_sender(NativeHandle handle, std::string_view name) {
  const auto stream = open_stream(handle, FILE_READ_DATA);
  if (!stream) return is_unknown(stream.error()) ? UploadError::unknown_sender : UploadError::others;
  std::array<char, longest> value;
  DWORD size = 0;
  const bool read = ::ReadFile(native(*stream), value.data(), longest, &size, nullptr) != 0;
  return read && std::string_view(value.data(), size) == name ? std::error_code() : UploadError::others;
}

}  // namespace storage
