#include "storage/files/file_windows.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/files/privacy_windows.hpp"
#include "storage/files/windows_name.hpp"

namespace storage {
namespace {

constexpr ACCESS_MASK to_read = FILE_READ_DATA;

[[noreturn]] void refuse(const std::string& what) {
  throw std::system_error(std::make_error_code(std::errc::invalid_argument), what);
}

// Nothing where a folder on the way, or the last one itself, is a link.
std::optional<Handle> open_by_steps(const std::filesystem::path& path) {
  const auto text = system_path(path);
  // "\\?\C:\" or "\\?\UNC\server\share\": what lies before the first folder.
  auto at = text.starts_with(L"\\\\?\\UNC\\") ? text.find(L'\\', 8) : std::size_t{4};
  at = at == std::wstring::npos ? at : text.find(L'\\', at + (at == 4 ? 0 : 1));
  if (at == std::wstring::npos) return {};
  auto here = open_path(text.substr(0, at + 1), FILE_READ_ATTRIBUTES, Last::followed);
  while (here && at < text.size()) {
    const auto end = std::min(text.find(L'\\', at + 1), text.size());
    const bool last = end == text.size();
    auto next = open_at(native(*here), std::wstring_view(text).substr(at + 1, end - at - 1),
                        last ? to_read : FILE_READ_ATTRIBUTES);
    const auto attributes = next ? attributes_of(native(*next)) : std::unexpected(next.error());
    if (!attributes || attributes->kind != (last ? Kind::file : Kind::directory)) return {};
    here = std::move(next);
    at = end;
  }
  return here ? std::optional(std::move(*here)) : std::nullopt;
}

// The very file once more, whatever has its name by now.
Result<Handle> reopen(const File& file, ACCESS_MASK access, DWORD share) {
  const HANDLE again = ::ReOpenFile(native(file.handle()), access, share, 0);
  if (again == INVALID_HANDLE_VALUE) return std::unexpected(last_error());
  return owned(again);
}

}  // namespace

File open_plain_file(const std::filesystem::path& path) {
  auto handle = open_path(path, to_read, Last::itself);
  if (!handle) throw std::system_error(handle.error(), "cannot open " + utf8_of(path));
  const auto attributes = attributes_of(native(*handle));
  if (!attributes) throw std::system_error(attributes.error(), "cannot examine " + utf8_of(path));
  if (attributes->kind == Kind::link) refuse(utf8_of(path) + " is a link, not a file");
  if (attributes->kind != Kind::file) refuse(utf8_of(path) + " is not a regular file");
  return {std::move(*handle), *attributes};
}

std::optional<File> open_without_links(const std::filesystem::path& path) {
  auto handle = open_by_steps(path);
  if (!handle) return std::nullopt;
  const auto attributes = attributes_of(native(*handle));
  if (!attributes || attributes->kind != Kind::file) return std::nullopt;
  return File(std::move(*handle), *attributes);
}

// Who shares no writing is refused while a writer has the file open. That is the one handle here that shares
// less than all, for a moment: a writer who comes right then is refused.
bool is_open_for_writing(const std::filesystem::path& path) {
  const auto handle = open_path(path, to_read, Last::itself, FILE_SHARE_READ | FILE_SHARE_DELETE);
  return !handle && handle.error() == std::errc::device_or_resource_busy;
}

bool is_open_for_writing(const File& file) {
  const auto again = reopen(file, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE);
  return !again && again.error() == std::errc::device_or_resource_busy;
}

// A section that is mapped to be written outlives every check of sharing, as a mapped page does on Linux.
bool may_be_written_by_others(const File& file) {
  const auto again = reopen(file, READ_CONTROL, share_all);
  return !again || may_be_changed_by_others(native(*again));
}

NewFile::NewFile(const std::filesystem::path& directory, const std::string& name)
    : path_(directory / path_of(name)) {
  const auto parent = open_path(directory, FILE_TRAVERSE, Last::itself);
  if (!parent) throw std::system_error(parent.error(), "cannot open " + utf8_of(directory));
  const auto attributes = attributes_of(native(*parent));
  if (!attributes || attributes->kind != Kind::directory)
    throw std::system_error(std::make_error_code(std::errc::not_a_directory),
                            "cannot open " + utf8_of(directory));
  if (!is_windows_name(name))
    throw std::system_error(error_of(ERROR_INVALID_NAME), "cannot make " + utf8_of(path_));
  auto made = make_at(native(*parent), widen(name), FILE_WRITE_DATA, Make::file);
  if (!made) throw std::system_error(made.error(), "cannot make " + utf8_of(path_));
  handle_ = std::move(*made);
}

void NewFile::write(std::span<const std::byte> bytes) {
  if (const auto error = append_to(native(handle_), bytes))
    throw std::system_error(error, "cannot write " + utf8_of(path_));
}

void NewFile::sync() {
  if (const auto error = flush(native(handle_)))
    throw std::system_error(error, "cannot sync " + utf8_of(path_));
}

}  // namespace storage
