#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <optional>

#include "storage/files/file.hpp"
#include "storage/files/file_linux.hpp"

namespace storage {
namespace {

// More pieces than this come back as a short read, which the caller takes for the file's end only at its end.
constexpr std::size_t most_pieces = 256;

Result<std::size_t> read_pieces(int fd, File::Pieces pieces, std::uint64_t offset, int flags) {
  std::array<iovec, most_pieces> vectors;
  const auto count = std::min(pieces.size(), vectors.size());
  std::transform(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count), vectors.begin(),
                 [](std::span<std::byte> piece) {
                   return iovec{piece.data(), piece.size()};
                 });
  for (;;) {
    const auto got =
        ::preadv2(fd, vectors.data(), static_cast<int>(count), static_cast<off_t>(offset), flags);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(std::error_code(errno, std::system_category()));
  }
}

// cachestat(2), which glibc before 2.41 and the kernel's headers before 6.5 do not know. Its number is the
// same on each processor.
#ifdef __NR_cachestat
constexpr long cachestat_call = __NR_cachestat;
#else
constexpr long cachestat_call = 451;
#endif
struct CacheRange {
  std::uint64_t offset, size;
};
struct CacheCounts {
  std::uint64_t cached, dirty, written_back, evicted, lately_evicted;
};

// Nothing where the kernel does not say it.
std::optional<bool> counted_in_cache(int fd, std::uint64_t offset, std::uint64_t size) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  CacheRange range{offset, size};
  CacheCounts counts{};
  if (::syscall(cachestat_call, fd, &range, &counts, 0) != 0) return {};
  return counts.cached >= (offset + size - 1) / page - offset / page + 1;
}

}  // namespace

Handle::~Handle() {
  if (native_ >= 0) ::close(native_);
}

Attributes attributes_of(const struct stat& status) {
  Attributes a;
  a.kind = S_ISREG(status.st_mode)   ? Kind::file
           : S_ISDIR(status.st_mode) ? Kind::directory
           : S_ISLNK(status.st_mode) ? Kind::link
                                     : Kind::other;
  a.size = static_cast<std::uint64_t>(status.st_size);
  a.mode = status.st_mode;
  a.uid = status.st_uid;
  a.gid = status.st_gid;
  a.links = static_cast<std::uint32_t>(status.st_nlink);
  a.accessed = status.st_atim.tv_sec;
  a.modified = status.st_mtim.tv_sec;
  a.version = {status.st_dev, status.st_ino, a.size,
               status.st_ctim.tv_sec * std::int64_t{1'000'000'000} + status.st_ctim.tv_nsec};
  return a;
}

Result<Attributes> attributes_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return std::unexpected(std::error_code(errno, std::system_category()));
  return attributes_of(status);
}

int set_times_of(int fd, const Times& times) {
  const std::array<timespec, 2> both{timespec{times.accessed, 0}, timespec{times.modified, 0}};
  return ::futimens(fd, both.data());
}

Result<Attributes> File::attributes() const { return attributes_of(handle_.get()); }

Result<std::size_t> File::read(Pieces pieces, std::uint64_t offset) const {
  return read_pieces(handle_.get(), pieces, offset, 0);
}

Result<std::size_t> File::read_cached(Pieces pieces, std::uint64_t offset) const {
  auto got = read_pieces(handle_.get(), pieces, offset, RWF_NOWAIT);
  if (!got && (got.error().value() == EOPNOTSUPP || got.error().value() == ENOSYS)) {
    return std::unexpected(std::make_error_code(std::errc::operation_would_block));
  }
  return got;
}

bool File::is_cached(std::uint64_t offset, std::uint64_t size) const {
  if (size == 0) return true;
  if (const auto counted = counted_in_cache(handle_.get(), offset, size)) return *counted;
  const auto has = [this](std::uint64_t at) {
    std::byte byte{};
    const std::array<std::span<std::byte>, 1> piece{std::span(&byte, 1)};
    return read_cached(piece, at).value_or(0) == 1;
  };
  constexpr std::uint64_t asked_each = 64 << 10;
  for (auto at = offset; at < offset + size; at += asked_each)
    if (!has(at)) return false;
  return has(offset + size - 1);
}

}  // namespace storage
