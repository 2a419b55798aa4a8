#include "storage/files/file_windows.hpp"
#include "storage/files/growing_file.hpp"
#include "storage/files/path_text.hpp"

namespace storage {

// Opened for appending alone: each write goes to the end of the file, whoever wrote before.
GrowingFile::GrowingFile(std::filesystem::path path) : path_(std::move(path)) {
  auto handle = open_path(path_, FILE_APPEND_DATA, Last::itself);
  if (!handle) throw std::system_error(handle.error(), "cannot open " + utf8_of(path_));
  const auto attributes = attributes_of(native(*handle));
  if (!attributes) throw std::system_error(attributes.error(), "cannot examine " + utf8_of(path_));
  if (attributes->kind != Kind::file)
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            utf8_of(path_) + " is not a regular file");
  handle_ = std::move(*handle);
}

std::uint64_t GrowingFile::size() const {
  const auto attributes = attributes_of(native(handle_));
  if (!attributes) throw std::system_error(attributes.error(), "cannot examine " + utf8_of(path_));
  return attributes->size;
}

void GrowingFile::append(std::span<const std::byte> bytes) {
  if (const auto error = append_to(native(handle_), bytes))
    throw std::system_error(error, "cannot write " + utf8_of(path_));
}

void GrowingFile::sync() {
  if (const auto error = flush(native(handle_)))
    throw std::system_error(error, "cannot sync " + utf8_of(path_));
}

}  // namespace storage
