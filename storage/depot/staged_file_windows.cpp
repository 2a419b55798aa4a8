#include "storage/depot/staged_file.hpp"

#include <algorithm>

#include "storage/depot/sender.hpp"
#include "storage/files/file_windows.hpp"

namespace storage {

Result<StagedFile> StagedFile::make(const std::filesystem::path& path, std::string_view sender) {
  constexpr ACCESS_MASK rights = FILE_READ_DATA | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES;
  auto file = make_path(path, rights, Make::file);
  if (!file) return std::unexpected(file.error());
  const auto error = record_sender(file->get(), sender);
  if (error && error != std::errc::not_supported) return std::unexpected(error);
  return StagedFile(std::move(*file));
}

std::error_code StagedFile::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  return write_at(native(handle_), bytes, offset);
}

Result<std::size_t> StagedFile::read(std::span<std::byte> into, std::uint64_t offset) const {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset & 0xffffffff);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  DWORD got = 0;
  const auto size = static_cast<DWORD>(std::min<std::size_t>(into.size(), 1 << 30));
  if (::ReadFile(native(handle_), into.data(), size, &got, &place)) return got;
  if (::GetLastError() == ERROR_HANDLE_EOF) return std::size_t{0};
  return std::unexpected(last_error());
}

std::error_code StagedFile::resize(std::uint64_t size) {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  const bool done = ::SetFileInformationByHandle(native(handle_), FileEndOfFileInfo, &end, sizeof end) != 0;
  return done ? std::error_code() : last_error();
}

std::error_code StagedFile::sync() { return flush(native(handle_)); }

std::error_code StagedFile::set_times(const Times& times) { return set_times_of(native(handle_), times); }

Result<Attributes> StagedFile::attributes() const { return attributes_of(native(handle_)); }

}  // namespace storage
