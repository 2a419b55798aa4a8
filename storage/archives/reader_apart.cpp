#include "storage/archives/reader_apart.hpp"

#include <fmt/format.h>

#include <utility>

#include "storage/archives/packed_stream.hpp"
#include "storage/archives/reader_answer.hpp"
#include "storage/archives/reader_job.hpp"
#include "storage/archives/reader_process.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/started_reader.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

// Reads to the last frame.
void hear(StartedReader& reader, ReaderAnswer& answer) {
  std::vector<std::byte> bytes;
  for (;;) {
    FrameHeadBytes head_bytes{};
    if (!reader.read(head_bytes)) reject_strange_reader(reader.how_it_died());
    const auto head = parse_frame_head(head_bytes);
    if (!head) reject_strange_reader("says what means nothing");
    bytes.resize(head->size);
    if (!reader.read(bytes)) reject_strange_reader(reader.how_it_died());
    if (answer.take(head->kind, bytes)) return;
  }
}

}  // namespace

ReaderApart::ReaderApart(std::vector<std::string> command, std::chrono::milliseconds patience)
    : command_(std::move(command)), patience_(patience) {}

std::vector<std::string> ReaderApart::own_command() {
  return {own_program(), std::string(read_archive_word)};
}

BundleFormat ReaderApart::format_of(const File& file, const UnpackLimits& limits) const {
  if (const auto format = format_without_unpacking(file)) return *format;
  ReaderAnswer answer(limits);
  StartedReader reader(command_, words_of({.limits = limits}), file, patience_);
  hear(reader, answer);
  return answer.format();
}

void ReaderApart::unpack(const File& archive, BundleFormat format, const UnpackLimits& limits,
                         MemberSink& sink) const {
  if (!is_archive(format)) throw Rejected("the file is not an archive; was the right file downloaded?");
  ReaderAnswer answer(limits, &sink, archive.at_open().size);
  StartedReader reader(command_, words_of({.unpack = format, .limits = limits}), archive, patience_);
  hear(reader, answer);
}

void reject_silent_reader(std::chrono::milliseconds patience) {
  throw Rejected(
      fmt::format("the process that reads the archive said nothing for {} s and was ended: the archive is "
                  "hostile, or the disk did not answer; put it into drop/ or import it again if it was the "
                  "disk",
                  std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
}

}  // namespace storage
