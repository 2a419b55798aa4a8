#include <array>
#include <new>
#include <utility>
#include <vector>

#include "storage/files/folder.hpp"
#include "storage/files/listing_windows.hpp"
#include "storage/files/path_text.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr ACCESS_MASK to_list = FILE_LIST_DIRECTORY;
constexpr ACCESS_MASK to_remove = DELETE;

fs::file_type type_of(const RawAttributes& raw) {
  switch (attributes_of(raw).kind) {
    case Kind::file:
      return fs::file_type::regular;
    case Kind::directory:
      return fs::file_type::directory;
    case Kind::link:
      return fs::file_type::symlink;
    default:
      return fs::file_type::unknown;
  }
}

bool is_gone(std::error_code error) { return error == std::errc::no_such_file_or_directory; }

std::error_code remove_one(HANDLE folder, std::wstring_view name) noexcept {
  const auto there = open_at(folder, name, to_remove);
  return there ? remove_by(native(*there)) : there.error();
}

// What cannot be removed stays, and the first error is told.
std::error_code clear(HANDLE folder) noexcept {
  std::error_code first;
  const auto note = [&](std::error_code error) {
    if (!first && !is_gone(error)) first = error;
  };
  std::array<std::uint64_t, Listing::smallest / sizeof(std::uint64_t)> buffer;
  Listing listing(folder, buffer);
  std::error_code error;
  while (const auto entry = listing.next(error)) {
    if (type_of(entry->raw) == fs::file_type::directory) {
      if (const auto below = open_at(folder, entry->name, to_list, FILE_DIRECTORY_FILE)) {
        const auto inside = clear(native(*below));
        if (!first) first = inside;
      }
    }
    note(remove_one(folder, entry->name));
  }
  if (error) note(error);
  return first;
}

}  // namespace

struct FolderReader::Level {
  static constexpr std::size_t size = 32 << 10;

  fs::path path;
  Handle handle;
  std::unique_ptr<std::vector<std::uint64_t>> buffer;
  Listing listing;

  Level(fs::path name, Handle folder)
      : path(std::move(name)),
        handle(std::move(folder)),
        buffer(std::make_unique<std::vector<std::uint64_t>>(size / sizeof(std::uint64_t))),
        listing(native(handle), *buffer) {}
};

struct FolderReader::State {
  Reach reach;
  std::error_code* error;  // nothing: it is thrown
  std::vector<Level> levels{};
  std::optional<std::wstring> below{};  // a folder of the last level, whose turn it is

  void fail(const fs::path& folder, std::error_code why) {
    if (!error) throw std::system_error(why, "cannot read " + utf8_of(folder));
    *error = why;
    levels.clear();
  }
  void open(const fs::path& folder) {
    auto handle = open_path(folder, to_list, Last::followed);
    if (!handle) return fail(folder, handle.error());
    const auto attributes = attributes_of(native(*handle));
    if (!attributes) return fail(folder, attributes.error());
    if (attributes->kind != Kind::directory) return fail(folder, error_of(ERROR_DIRECTORY));
    levels.emplace_back(folder, std::move(*handle));
  }
  void descend() {
    const auto name = std::exchange(below, std::nullopt);
    if (!name) return;
    auto folder = levels.back().path / *name;
    auto handle = open_at(native(levels.back().handle), *name, to_list, FILE_DIRECTORY_FILE);
    const auto attributes = handle ? attributes_of(native(*handle)) : std::unexpected(handle.error());
    if (attributes && attributes->kind == Kind::directory) {
      levels.emplace_back(std::move(folder), std::move(*handle));
    } else if (!attributes && !error && !is_gone(attributes.error()) &&
               attributes.error() != std::errc::not_a_directory) {
      fail(folder, attributes.error());
    }
  }
};

FolderReader::FolderReader(const fs::path& folder, Reach reach)
    : state_(std::make_unique<State>(reach, nullptr)) {
  state_->open(folder);
}

FolderReader::FolderReader(const fs::path& folder, std::error_code& error, Reach reach)
    : state_(std::make_unique<State>(reach, &error)) {
  error.clear();
  state_->open(folder);
}

FolderReader::FolderReader(FolderReader&&) noexcept = default;
FolderReader::~FolderReader() = default;

// A name that is not Unicode is left out: no text of ours could name it.
std::optional<FolderEntry> FolderReader::next() {
  auto& levels = state_->levels;
  if (!levels.empty()) state_->descend();
  while (!levels.empty()) {
    auto& level = levels.back();
    std::error_code error;
    if (const auto entry = level.listing.next(error)) {
      auto name = narrow(entry->name);
      if (!name) continue;
      FolderEntry found{level.path / entry->name, std::move(*name), type_of(entry->raw), levels.size() - 1};
      if (state_->reach == Reach::tree && found.is_folder()) state_->below = std::wstring(entry->name);
      return found;
    }
    if (error) {
      const auto path = level.path;
      state_->fail(path, error);
    } else {
      levels.pop_back();
    }
  }
  return std::nullopt;
}

void FolderReader::pass_over() { state_->below.reset(); }

std::optional<std::int64_t> last_written(const fs::path& entry) {
  constexpr std::int64_t ticks_before_1970 = 116'444'736'000'000'000, nanoseconds_of_a_tick = 100;
  const auto there = open_path(entry, FILE_READ_ATTRIBUTES, Last::itself);
  FILE_BASIC_INFO info{};
  if (!there || !::GetFileInformationByHandleEx(native(*there), FileBasicInfo, &info, sizeof info))
    return std::nullopt;
  return (info.LastWriteTime.QuadPart - ticks_before_1970) * nanoseconds_of_a_tick;
}

// Only the name of the folder itself takes memory.
std::error_code remove_tree(const fs::path& folder) noexcept {
  const auto but_for_gone = [](std::error_code error) { return is_gone(error) ? std::error_code() : error; };
  try {
    std::error_code inside;
    {
      const auto there = open_path(folder, to_list, Last::itself);
      if (!there && is_gone(there.error())) return {};
      const auto attributes = there ? attributes_of(native(*there)) : std::unexpected(there.error());
      if (attributes && attributes->kind == Kind::directory) inside = clear(native(*there));
    }
    const auto there = open_path(folder, to_remove, Last::itself);
    if (!there) return inside ? inside : but_for_gone(there.error());
    const auto error = remove_by(native(*there));
    return inside && error ? inside : but_for_gone(error);
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  } catch (const std::exception&) {
    return std::make_error_code(std::errc::invalid_argument);
  }
}

}  // namespace storage
