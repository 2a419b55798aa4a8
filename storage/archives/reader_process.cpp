#include "storage/archives/reader_process.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>
#include <system_error>

#include "storage/archives/archive.hpp"
#include "storage/archives/confinement.hpp"
#include "storage/archives/reader_ends.hpp"
#include "storage/archives/reader_frame.hpp"
#include "storage/archives/reader_job.hpp"
#include "storage/archives/rejected.hpp"

namespace storage {
namespace {

// The program with its libraries, xz -9 and the blocks that are in work; and the list of a ZIP's members.
constexpr std::uint64_t memory_of_a_reader = 256ULL << 20, memory_of_a_member = 8 << 10;

std::uint64_t memory_for(const UnpackLimits& limits) {
  const auto most = (UINT64_MAX - memory_of_a_reader) / memory_of_a_member;
  return memory_of_a_reader + std::min(limits.max_members, most) * memory_of_a_member;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

void say(FrameKind kind, std::span<const std::byte> bytes = {}) {
  give_answer(encoded(FrameHead{kind, static_cast<std::uint32_t>(bytes.size())}), bytes);
}

void say_error(FrameKind kind, const std::error_code& error) {
  const auto number = static_cast<std::uint64_t>(number_of(error));
  say(kind, std::span<const std::byte>(encoded(number)).first(4));
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
    say_error(FrameKind::failed, e.code());
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
    end_reader(2);
  }
  const auto archive = given_archive();
  if (!archive) {
    say_error(FrameKind::failed, archive.error());
    end_reader(1);
  }
  try {
    confine_reader(memory_for(job->limits));
  } catch (const std::system_error& e) {
    say_error(FrameKind::unconfined, e.code());
    end_reader(1);
  }
  read_and_say(*archive, *job);
  end_reader(0);
}

}  // namespace storage
