#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <new>
#include <optional>
#include <string>
#include <system_error>

#include "storage/archives/archive.hpp"
#include "storage/archives/confinement.hpp"
#include "storage/archives/reader_frame.hpp"
#include "storage/archives/reader_job.hpp"
#include "storage/archives/reader_process.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/files/file_linux.hpp"

namespace storage {
namespace {

constexpr int archive_descriptor = STDIN_FILENO, answer_descriptor = STDOUT_FILENO;

// The program with its libraries, xz -9 and the blocks that are in work; and the list of a ZIP's members.
constexpr std::uint64_t memory_of_a_reader = 256ULL << 20, memory_of_a_member = 8 << 10;

std::uint64_t memory_for(const UnpackLimits& limits) {
  const auto most = (UINT64_MAX - memory_of_a_reader) / memory_of_a_member;
  return memory_of_a_reader + std::min(limits.max_members, most) * memory_of_a_member;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// Where nobody listens any more, SIGPIPE ends the process.
void write_all(std::span<iovec> pieces) {
  while (!pieces.empty()) {
    auto written = ::writev(answer_descriptor, pieces.data(), static_cast<int>(pieces.size()));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ::_exit(1);
    while (!pieces.empty() && static_cast<std::size_t>(written) >= pieces.front().iov_len) {
      written -= static_cast<ssize_t>(pieces.front().iov_len);
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) return;
    pieces.front().iov_base = static_cast<std::byte*>(pieces.front().iov_base) + written;
    pieces.front().iov_len -= static_cast<std::size_t>(written);
  }
}

void say(FrameKind kind, std::span<const std::byte> bytes = {}) {
  auto head = encoded(FrameHead{kind, static_cast<std::uint32_t>(bytes.size())});
  std::array<iovec, 2> pieces{iovec{head.data(), head.size()},
                              iovec{const_cast<std::byte*>(bytes.data()), bytes.size()}};
  write_all(pieces);
}

void say_error(FrameKind kind, int error) {
  say(kind, std::span<const std::byte>(encoded(static_cast<std::uint64_t>(error))).first(4));
}

void say_text(FrameKind kind, std::string_view text) {
  say(kind, bytes_of(text.empty() ? "?" : text.substr(0, longest_frame_text)));
}

// Says to the other process what the archive holds.
class SaidMembers final : public MemberSink {
 public:
  void expect(std::uint64_t bytes) override { say(FrameKind::expect, encoded(bytes)); }
  void begin(const std::string& name, std::uint64_t size) override {
    const auto number = encoded(size);
    std::string bytes(reinterpret_cast<const char*>(number.data()), number.size());
    say(FrameKind::begin, bytes_of(bytes + name));
  }
  void write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const auto piece = bytes.first(std::min(bytes.size(), most_data));
      say(FrameKind::data, piece);
      bytes = bytes.subspan(piece.size());
    }
  }
  void end() override { say(FrameKind::end); }
  void leave_out(const std::string& raw) override { say_text(FrameKind::leave_out, raw); }
  void take(std::uint64_t bytes) override {
    if (bytes > 0) say(FrameKind::take, encoded(bytes));
  }
};

void read_now(const File& archive, const ReaderJob& job) {
  if (!job.unpack) {
    const std::byte format{static_cast<std::uint8_t>(format_of(archive, job.limits))};
    return say(FrameKind::format, {&format, 1});
  }
  SaidMembers sink;
  unpack(archive, *job.unpack, job.limits, sink);
  say(FrameKind::done);
}

void read_and_say(const File& archive, const ReaderJob& job) {
  try {
    read_now(archive, job);
  } catch (const Rejected& e) {
    say_text(FrameKind::rejected, e.what());
  } catch (const std::system_error& e) {
    say_error(FrameKind::failed, e.code().value());
  } catch (const std::bad_alloc&) {
    say(FrameKind::no_memory);
  }
}

}  // namespace

void read_archive(std::span<char* const> words) {
  const auto job = parse_reader_job(words);
  if (!job) {
    std::fputs(
        "apdepot read-archive is what apdepot itself starts to read an archive: use apdepot import FILE\n",
        stderr);
    ::_exit(2);
  }
  ::prctl(PR_SET_NAME, "apdepot-reader", 0, 0, 0);  // else it is called "exe"
  // Before it is confined: afterwards it may ask for no file's size.
  const auto attributes = attributes_of(archive_descriptor);
  if (!attributes) {
    say_error(FrameKind::failed, attributes.error().value());
    ::_exit(1);
  }
  const File archive(Handle(archive_descriptor), *attributes);
  try {
    confine_reader(memory_for(job->limits));
  } catch (const std::system_error& e) {
    say_error(FrameKind::unconfined, e.code().value());
    ::_exit(1);
  }
  read_and_say(archive, *job);
  ::_exit(0);  // nothing that a hostile archive left in memory is tidied up
}

}  // namespace storage
