#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "storage/archives/admission.hpp"
#include "storage/archives/bundle_format.hpp"
#include "storage/archives/member_sink.hpp"
#include "storage/archives/reader_frame.hpp"
#include "storage/archives/unpack_limits.hpp"

namespace storage {

// Judges, frame by frame, what the process that reads an archive says. A hostile archive may have taken that
// process over, so every name, size and order is checked again before `sink` hears of it. Pure but for the
// sink.
class ReaderAnswer {
 public:
  // For the job "format".
  explicit ReaderAnswer(const UnpackLimits& limits) : limits_(limits), admission_(limits_) {}
  // For the unpacking of an archive of so many bytes.
  ReaderAnswer(const UnpackLimits& limits, MemberSink* sink, std::uint64_t archive_size);

  // True after the last frame. Throws Rejected for the archive's faults, and for what no honest reader says;
  // std::system_error when the archive cannot be read, or not apart.
  bool take(FrameKind kind, std::span<const std::byte> bytes);
  // Of the job "format", once it is over.
  BundleFormat format() const { return format_; }

 private:
  void take_part(FrameKind kind, std::span<const std::byte> bytes);
  void begin(std::span<const std::byte> bytes);
  void leave_out(std::span<const std::byte> bytes);
  void expect(std::span<const std::byte> bytes);
  void count_taken(std::span<const std::byte> bytes);

  const UnpackLimits limits_;
  Admission admission_;
  MemberSink* const sink_ = nullptr;
  BundleFormat format_ = BundleFormat::other;
  std::optional<std::uint64_t> left_;  // bytes of the current member that are still to come
  std::uint64_t left_out_ = 0, may_take_ = 0;
  bool expects_ = false;
};

// What the process that reads an archive did, and no honest one does: `what` follows "it".
[[noreturn]] void reject_strange_reader(std::string_view what);

}  // namespace storage
