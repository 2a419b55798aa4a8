#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/files/file.hpp"
#include "storage/files/folder.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

class Stream {
 public:
  explicit Stream(int fd) : stream_(fd < 0 ? nullptr : ::fdopendir(fd)) {
    if (!stream_ && fd >= 0) {
      const int error = errno;
      ::close(fd);
      errno = error;
    }
  }
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&&) = delete;
  ~Stream() {
    if (stream_) ::closedir(stream_);
  }
  explicit operator bool() const { return stream_ != nullptr; }
  int fd() const { return ::dirfd(stream_); }
  // Nothing at the end, and where errno is not 0 then.
  const dirent* next() {
    for (;;) {
      errno = 0;
      const auto* entry = ::readdir(stream_);
      if (!entry) return nullptr;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") return entry;
    }
  }

 private:
  DIR* stream_;
};

Stream open_below(int folder, const char* name) {
  return Stream(::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

fs::file_type type_of(const Stream& stream, const dirent& entry) {
  unsigned type = DTTOIF(entry.d_type);
  struct stat status {};
  if (entry.d_type == DT_UNKNOWN && ::fstatat(stream.fd(), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0)
    type = status.st_mode & S_IFMT;
  switch (type) {
    case S_IFREG:
      return fs::file_type::regular;
    case S_IFDIR:
      return fs::file_type::directory;
    case S_IFLNK:
      return fs::file_type::symlink;
    case S_IFBLK:
      return fs::file_type::block;
    case S_IFCHR:
      return fs::file_type::character;
    case S_IFIFO:
      return fs::file_type::fifo;
    case S_IFSOCK:
      return fs::file_type::socket;
    default:
      return fs::file_type::unknown;
  }
}

// What cannot be removed stays, and the first error is told.
std::error_code clear(Stream folder) noexcept {
  std::error_code first;
  const auto note = [&] {
    if (!first && errno != ENOENT) first = {errno, std::system_category()};
  };
  while (const auto* entry = folder.next()) {
    if (::unlinkat(folder.fd(), entry->d_name, 0) == 0) continue;
    if (errno != EISDIR) {
      note();
      continue;
    }
    if (auto below = open_below(folder.fd(), entry->d_name)) {
      const auto error = clear(std::move(below));
      if (!first) first = error;
    }
    if (::unlinkat(folder.fd(), entry->d_name, AT_REMOVEDIR) != 0) note();
  }
  return first;
}

}  // namespace

struct FolderReader::Level {
  fs::path path;
  Stream stream;
};

struct FolderReader::State {
  Reach reach;
  std::error_code* error;  // nothing: it is thrown
  std::vector<Level> levels{};
  std::optional<std::string> below{};  // a folder of the last level, whose turn it is

  void fail(const fs::path& folder) {
    const std::error_code why(errno, std::system_category());
    if (!error) throw std::system_error(why, "cannot read " + folder.string());
    *error = why;
    levels.clear();
  }
  void open(const fs::path& folder) {
    Stream stream(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!stream) return fail(folder);
    levels.push_back({folder, std::move(stream)});
  }
  void descend() {
    const auto name = std::exchange(below, std::nullopt);
    if (!name) return;
    auto folder = levels.back().path / *name;
    if (auto stream = open_below(levels.back().stream.fd(), name->c_str())) {
      levels.push_back({std::move(folder), std::move(stream)});
    } else if (!error && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
      fail(folder);
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

std::optional<FolderEntry> FolderReader::next() {
  auto& levels = state_->levels;
  if (!levels.empty()) state_->descend();
  while (!levels.empty()) {
    auto& [path, stream] = levels.back();
    if (const auto* entry = stream.next()) {
      FolderEntry found{path / entry->d_name, entry->d_name, type_of(stream, *entry), levels.size() - 1};
      if (state_->reach == Reach::tree && found.is_folder()) state_->below = found.name;
      return found;
    }
    if (errno != 0) {
      state_->fail(path);
    } else {
      levels.pop_back();
    }
  }
  return std::nullopt;
}

void FolderReader::pass_over() { state_->below.reset(); }

std::optional<std::int64_t> last_written(const fs::path& entry) {
  struct stat status {};
  if (::lstat(entry.c_str(), &status) != 0) return std::nullopt;
  return status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
}

std::error_code remove_tree(const fs::path& folder) noexcept {
  const auto failed = [] { return std::error_code(errno == ENOENT ? 0 : errno, std::system_category()); };
  if (::unlink(folder.c_str()) == 0) return {};
  if (errno != EISDIR) return failed();
  auto stream = open_below(AT_FDCWD, folder.c_str());
  if (!stream) return failed();
  const auto error = clear(std::move(stream));
  if (::rmdir(folder.c_str()) == 0) return {};
  return error ? error : failed();
}

}  // namespace storage
