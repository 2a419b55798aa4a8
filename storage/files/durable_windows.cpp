#include <algorithm>
#include <random>
#include <string>

#include "storage/files/durable.hpp"
#include "storage/files/file_windows.hpp"
#include "storage/files/folder.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/rights_windows.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view half_written = ".new-";

[[noreturn]] void fail(std::error_code error, const std::string& what) {
  throw std::system_error(error, what);
}

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// As std::filesystem has it, but with paths of any length.
bool is_folder(const fs::path& path) {
  const auto handle = open_path(path, FILE_READ_ATTRIBUTES, Last::followed);
  const auto attributes = handle ? attributes_of(native(*handle)) : std::unexpected(handle.error());
  return attributes && attributes->kind == Kind::directory;
}

std::string random_name() {
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuv";
  std::random_device random;
  std::string name;
  for (int i = 0; i < 12; ++i) name += letters[random() % letters.size()];
  return name;
}

// Of a byte far beyond the end of the file, so that it is in no reader's way. It tells the living from what a
// killed writer left; where there are no locks, nobody is told apart.
bool lock(HANDLE file, DWORD how) {
  OVERLAPPED place{};
  place.OffsetHigh = 0x7fffffff;
  return ::LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | how, 0, 1, 0, &place) != 0;
}

bool is_removed(HANDLE file) {
  FILE_STANDARD_INFO info{};
  return ::GetFileInformationByHandleEx(file, FileStandardInfo, &info, sizeof info) &&
         (info.DeletePending || info.NumberOfLinks == 0);
}

// A file beside the one to be written. Vanishes again unless it was renamed to its final name. Whose the old
// one was keeps what the folder passes on; a private file is for those alone that rights_of() names.
class Temporary {
 public:
  Temporary(const fs::path& target, unsigned mode) : target_(target) {
    do make(mode);
    while (lock(native(handle_), 0) && is_removed(native(handle_)));  // a sweep came between the two steps
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!done_) remove_by(native(handle_));
  }

  void fill(std::string_view content) {
    if (const auto error = append_to(native(handle_), std::as_bytes(std::span(content))))
      fail(error, "cannot write " + utf8_of(target_));
    if (const auto error = flush(native(handle_))) fail(error, "cannot sync " + utf8_of(target_));
  }
  // What was open under that name before stays open. The second flush is for the name.
  void commit() {
    if (const auto error = rename_to(native(handle_), nullptr, system_path(target_), Onto::a_file))
      fail(error, "cannot replace " + utf8_of(target_));
    done_ = true;
    flush(native(handle_));
  }

 private:
  void make(unsigned mode) {
    const auto name = parent_of(target_) / path_of(std::string(half_written) + random_name());
    auto made = make_path(name, FILE_WRITE_DATA | DELETE, Make::file, rights_of(mode));
    if (!made) fail(made.error(), "cannot write " + utf8_of(target_));
    handle_ = std::move(*made);
  }

  const fs::path& target_;
  Handle handle_;
  bool done_ = false;
};

void move(const fs::path& from, const fs::path& to, Onto onto) {
  const auto what = [&] { return "cannot move " + utf8_of(from) + " to " + utf8_of(to); };
  {
    const auto source = open_path(from, DELETE, Last::itself);
    if (!source) fail(source.error(), what());
    if (const auto error = rename_to(native(*source), nullptr, system_path(to), onto)) fail(error, what());
  }
  if (parent_of(from) != parent_of(to)) inherit_rights(to);
}

// A folder that is there counts whoever made it; nothing else does.
void make_directory(const fs::path& directory, unsigned mode) {
  const auto made = make_path(directory, FILE_READ_ATTRIBUTES, Make::folder, rights_of(mode));
  if (made) return sync_directory(parent_of(directory));
  if (made.error() != std::errc::file_exists)
    fail(made.error(), "cannot make the folder " + utf8_of(directory));
  if (!is_folder(directory))
    fail(error_of(ERROR_DIRECTORY), utf8_of(directory) + " is in the way of a folder");
}

std::optional<std::uint64_t> volume_of(const fs::path& path) {
  const auto handle = open_path(path, FILE_READ_ATTRIBUTES, Last::followed);
  const auto attributes = handle ? attributes_of(native(*handle)) : std::unexpected(handle.error());
  return attributes ? std::optional(attributes->version.device) : std::nullopt;
}

}  // namespace

void write_durably(const fs::path& file, std::string_view content, unsigned mode) {
  Temporary temporary(file, mode);
  temporary.fill(content);
  temporary.commit();
}

// NTFS keeps its names by a journal: they are whole after a crash in any case, and there in order. A flush,
// where a folder lets itself be flushed, makes sure of the last ones.
void sync_directory(const fs::path& directory) {
  const auto there = open_path(directory, FILE_READ_ATTRIBUTES, Last::followed);
  if (!there) fail(there.error(), "cannot open " + utf8_of(directory));
  if (const auto handle = open_path(directory, FILE_APPEND_DATA, Last::followed)) flush(native(*handle));
}

void rename_new(const fs::path& from, const fs::path& to) {
  move(from, to, Onto::nothing);
  sync_directory(parent_of(to));
  if (parent_of(from) != parent_of(to)) sync_directory(parent_of(from));
}

void replace_file(const fs::path& from, const fs::path& to) {
  move(from, to, Onto::a_file);
  sync_directory(parent_of(to));
}

bool exchange(const fs::path&, const fs::path&) { return false; }

// By its own handle, so that what is removed is what was locked.
void sweep_half_written(const fs::path& directory) {
  std::error_code error;  // what cannot be looked at or removed costs a little space
  FolderReader reader(directory, error);
  while (const auto entry = reader.next()) {
    if (!entry->name.starts_with(half_written) || !entry->is_file()) continue;
    const auto left = open_path(entry->path, FILE_READ_DATA | DELETE, Last::itself);
    if (left && lock(native(*left), LOCKFILE_FAIL_IMMEDIATELY)) remove_by(native(*left));
  }
}

bool is_one_file_system(const fs::path& a, const fs::path& b) {
  const auto first = volume_of(a), second = volume_of(b);
  return !first || !second || first == second;
}

void make_directories(const fs::path& directory, unsigned mode) {
  if (is_folder(directory)) return;
  const fs::path parent = parent_of(directory);
  if (parent != directory && !is_folder(parent)) make_directories(parent, mode);
  make_directory(directory, mode);
}

// rights_of() lets such a folder inherit what the one above it passes on: it is just as private.
unsigned mode_as_above(const fs::path&) { return 0750; }

}  // namespace storage
