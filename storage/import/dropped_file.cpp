#include "storage/import/dropped_file.hpp"

#include <array>
#include <span>

#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view reason_ending = ".reason.txt";

}  // namespace

fs::path DroppedFile::path() const { return depot_->drop() / path_of(name_); }

fs::path reason_beside(const fs::path& file) {
  auto path = file;
  return path += path_of(reason_ending);
}

bool is_reason(const std::string& name) { return name.ends_with(reason_ending); }

std::string reason_of_rejected(const Depot& depot, const std::string& name) {
  constexpr std::size_t longest = 4096;
  const auto opened = open_without_links(reason_beside(depot.rejected() / path_of(name)));
  if (!opened) return {};
  std::string text(longest, '\0');
  const std::array pieces{std::as_writable_bytes(std::span(text))};
  text.resize(opened->read(pieces, 0).value_or(0));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::size_t rejected_files(const Depot& depot) {
  std::size_t files = 0;
  if (!fs::exists(depot.rejected())) return 0;
  FolderReader reader(depot.rejected());
  while (const auto entry = reader.next())
    if (!is_reason(entry->name)) ++files;
  return files;
}

}  // namespace storage
