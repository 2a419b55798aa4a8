#include "storage/archives/unpack_zip.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <system_error>

#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/unpack_plan.hpp"
#include "storage/archives/zip_directory.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

constexpr std::size_t block_size = 256 << 10;

// The bundle, as libarchive's callbacks want it. What the disk said is kept, since libarchive only knows
// "failed".
struct Source {
  const File& file;
  MemberSink& sink;
  std::uint64_t offset = 0;
  std::vector<std::byte> block = std::vector<std::byte>(block_size);
  std::error_code error{};

  static la_ssize_t read(archive*, void* self, const void** bytes) {
    auto& source = *static_cast<Source*>(self);
    const std::span<std::byte> whole = source.block;
    const auto got = source.file.read({&whole, 1}, source.offset);
    if (!got) source.error = got.error();
    if (!got) return ARCHIVE_FATAL;
    *bytes = source.block.data();
    source.offset += *got;
    source.sink.take(*got);
    return static_cast<la_ssize_t>(*got);
  }
  static la_int64_t skip(archive*, void* self, la_int64_t bytes) {
    static_cast<Source*>(self)->offset += static_cast<std::uint64_t>(bytes);
    return bytes;
  }
  static la_int64_t seek(archive*, void* self, la_int64_t by, int whence) {
    auto& source = *static_cast<Source*>(self);
    const auto base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? source.offset
                                           : source.file.at_open().size;
    source.offset = base + static_cast<std::uint64_t>(by);
    return static_cast<la_int64_t>(source.offset);
  }
};

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

// Only the reader that goes by the central directory: the other one takes whatever looks like a member.
Reader open_zip(Source& source) {
  Reader reader(archive_read_new(), archive_read_free);
  if (!reader) throw std::bad_alloc();
  archive_read_support_format_zip_seekable(reader.get());
  archive_read_set_read_callback(reader.get(), Source::read);
  archive_read_set_skip_callback(reader.get(), Source::skip);
  archive_read_set_seek_callback(reader.get(), Source::seek);
  archive_read_set_callback_data(reader.get(), &source);
  archive_read_open1(reader.get());  // a failure shows at the first header
  return reader;
}

[[noreturn]] void fail(const Source& source, archive* reader, const ZipMember& member) {
  if (source.error) throw std::system_error(source.error, "cannot read the bundle");
  const char* detail = archive_error_string(reader);
  throw Rejected(fmt::format("the archive's member {} is damaged ({}); download or copy the bundle again",
                             in_quotes(member.name), detail != nullptr ? detail : "it cannot be read"));
}

// libarchive's verdicts about a header are warnings on names and times, which were judged before; it must
// only mean the same member as the plan.
void next_header(const Source& source, archive* reader, const Target& target) {
  archive_entry* entry = nullptr;
  const int result = archive_read_next_header(reader, &entry);
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) fail(source, reader, target.member);
  if (target.clutter) return;
  const auto expected = target.name.empty() ? AE_IFDIR : AE_IFREG;
  if (archive_entry_filetype(entry) != expected || archive_entry_symlink(entry) != nullptr)
    throw Rejected(fmt::format("the archive's member {} is no plain file", in_quotes(target.member.name)));
}

[[noreturn]] void reject_size(const Target& target) {
  throw Rejected(fmt::format("the archive lies about the size of {}", in_quotes(target.member.name)));
}

// The bytes go from libarchive's buffer to the sink, without a copy in between.
void give_member(const Source& source, archive* reader, const Target& target) {
  source.sink.begin(target.name, target.member.size);
  std::uint64_t size = 0;
  for (;;) {
    const void* bytes = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(reader, &bytes, &count, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) fail(source, reader, target.member);
    if (count > target.member.size - size) reject_size(target);  // before it is written
    source.sink.write({static_cast<const std::byte*>(bytes), count});
    size += count;
  }
  if (size != target.member.size) reject_size(target);
  source.sink.end();
}

}  // namespace

void unpack_zip(const File& archive, const UnpackLimits& limits, MemberSink& sink) {
  const UnpackPlan plan = plan_unpacking(read_zip_directory(archive, limits.max_members), limits);
  sink.expect(plan.total);
  Source source{archive, sink};
  const Reader reader = open_zip(source);
  for (const auto& planned : plan.targets) {
    next_header(source, reader.get(), planned);
    if (!planned.name.empty()) give_member(source, reader.get(), planned);
  }
  for (const auto& name : plan.left_out) sink.leave_out(name);
}

}  // namespace storage
