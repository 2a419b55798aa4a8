#include "storage/archives/reader_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <system_error>

#include "storage/archives/confinement.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/zip_end.hpp"

namespace storage {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// libarchive reads a ZIP by blocks of this size, and a block again where it goes back: at most once for a
// member, and a few times before the first.
constexpr std::uint64_t block_size = 256 << 10, blocks_before = 16;

std::error_code code_in(std::span<const std::byte> bytes) {
  return {static_cast<int>(number_at<std::uint32_t>(bytes, 0)), std::system_category()};
}

// Other codes mean more to an import than that a file cannot be read: EAGAIN that it was touched meanwhile.
std::error_code reading_error(const std::error_code& said) {
  constexpr std::array known{std::errc::io_error,
                             std::errc::not_enough_memory,
                             std::errc::permission_denied,
                             std::errc::operation_not_permitted,
                             std::errc::timed_out,
                             std::errc::no_such_device,
                             std::errc::no_such_device_or_address};
  const bool is_known = std::ranges::any_of(known, [&](std::errc each) { return said == each; });
  return is_known ? said : std::make_error_code(std::errc::io_error);
}

}  // namespace

void reject_strange_reader(std::string_view what) {
  throw Rejected(fmt::format(
      "the process that reads the archive {}: the archive is damaged or hostile; download it again "
      "from the vendor, and report a bug of apdepot if that is refused too",
      what));
}

ReaderAnswer::ReaderAnswer(const UnpackLimits& limits, MemberSink* sink, std::uint64_t archive_size)
    : limits_(limits),
      admission_(limits_),
      sink_(sink),
      may_take_(2 * archive_size + (limits_.max_members + blocks_before) * block_size) {}

bool ReaderAnswer::take(FrameKind kind, std::span<const std::byte> bytes) {
  switch (kind) {
    case FrameKind::rejected:
      throw Rejected(text_of(bytes));
    case FrameKind::failed:
      throw std::system_error(reading_error(code_in(bytes)), "cannot read the bundle");
    case FrameKind::unconfined:
      throw std::system_error(code_in(bytes), unconfined_advice);
    case FrameKind::no_memory:
      throw Rejected(
          "reading the archive takes more memory than apdepot gives it; make it again as a plain ZIP with "
          "fewer members");
    case FrameKind::format: {
      const auto number = std::to_integer<std::uint8_t>(bytes[0]);
      if (sink_ != nullptr || number > static_cast<std::uint8_t>(BundleFormat::other)) break;
      format_ = static_cast<BundleFormat>(number);
      return true;
    }
    case FrameKind::done:
      if (sink_ == nullptr || left_ || !admission_.any_file()) break;
      return true;
    default:
      if (sink_ == nullptr) break;
      take_part(kind, bytes);
      return false;
  }
  reject_strange_reader("answers what it was not asked");
}

void ReaderAnswer::take_part(FrameKind kind, std::span<const std::byte> bytes) {
  switch (kind) {
    case FrameKind::expect:
      return expect(bytes);
    case FrameKind::begin:
      return begin(bytes);
    case FrameKind::data:
      if (!left_ || bytes.size() > *left_) reject_strange_reader("gives more than it said");
      *left_ -= bytes.size();
      return sink_->write(bytes);
    case FrameKind::end:
      if (left_ != 0) reject_strange_reader("gives less than it said");
      left_.reset();
      return sink_->end();
    case FrameKind::leave_out:
      return leave_out(bytes);
    default:
      return count_taken(bytes);
  }
}

void ReaderAnswer::expect(std::span<const std::byte> bytes) {
  if (expects_ || admission_.any_file()) reject_strange_reader("says again how much will come");
  expects_ = true;
  sink_->expect(number_at<std::uint64_t>(bytes, 0));
}

// Each frame keeps the process alive for another while, so none is for nothing, and their number has an end.
void ReaderAnswer::count_taken(std::span<const std::byte> bytes) {
  const auto taken = number_at<std::uint64_t>(bytes, 0);
  if (taken == 0 || taken > may_take_) reject_strange_reader("reads on without end");
  may_take_ -= taken;
  sink_->take(taken);
}

// The reader has stripped the leading folder and left out the clutter, so a name is admitted as it is.
void ReaderAnswer::begin(std::span<const std::byte> bytes) {
  const auto size = number_at<std::uint64_t>(bytes, 0);
  const auto name = text_of(bytes.subspan(8));
  if (left_ || admission_.admit(name, size) != name) reject_strange_reader("gives a name that it must not");
  left_ = size;
  sink_->begin(name, size);
}

void ReaderAnswer::leave_out(std::span<const std::byte> bytes) {
  if (++left_out_ > limits_.max_members) reject_strange_reader("leaves out more than there may be");
  sink_->leave_out(text_of(bytes));
}

}  // namespace storage
