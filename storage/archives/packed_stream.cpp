#include "storage/archives/packed_stream.hpp"

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>

#include <algorithm>
#include <new>
#include <system_error>

#include "storage/archives/rejected.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

constexpr std::size_t block_size = 256 << 10;
constexpr std::uint64_t xz_memory = 72 << 20;  // what `xz -9` asks for, and no more
constexpr std::uint64_t small = 1 << 20;       // may have any ratio: it does no harm

[[noreturn]] void reject_cut() {
  throw Rejected("the archive is not whole: its end is missing; download or copy it again");
}
[[noreturn]] void reject_damaged(const char* what) {
  throw Rejected(fmt::format("the archive is damaged ({}); download or copy it again", what));
}

struct Plain : PackedStream::Decoder {
  bool decode(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override {
    const auto count = std::min(input.size(), output.size());
    std::ranges::copy(input.first(count), output.begin());
    input = input.subspan(count);
    output = output.subspan(count);
    return last && input.empty();
  }
};

// RFC 1952. A file may hold several members, one after the other, and zeros behind the last, as tapes have.
class Gzip : public PackedStream::Decoder {
 public:
  Gzip() {
    constexpr int gzip_window = 15 + 16;
    if (::inflateInit2(&state_, gzip_window) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() override { ::inflateEnd(&state_); }

  bool decode(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override {
    if (between_) return begin_next(input, last);
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    state_.avail_in = static_cast<uInt>(input.size());
    state_.next_out = reinterpret_cast<Bytef*>(output.data());
    state_.avail_out = static_cast<uInt>(output.size());
    const int result = ::inflate(&state_, Z_NO_FLUSH);
    input = input.last(state_.avail_in);
    output = output.last(state_.avail_out);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_STREAM_END) {
      between_ = true;
      return last && input.empty();
    }
    if (result == Z_BUF_ERROR && last && !output.empty()) reject_cut();
    if (result != Z_OK && result != Z_BUF_ERROR)
      reject_damaged(state_.msg != nullptr ? state_.msg : "it cannot be unpacked");
    return false;
  }

 private:
  bool begin_next(std::span<const std::byte>& input, bool last) {
    if (input.empty()) return last;
    if (input.front() != std::byte{0x1f}) return skip_zeros(input, last);
    if (padded_ || ::inflateReset(&state_) != Z_OK) reject_damaged("something follows its end");
    between_ = false;
    return false;
  }

  bool skip_zeros(std::span<const std::byte>& input, bool last) {
    const auto zero = [](std::byte byte) { return byte == std::byte{0}; };
    if (!std::ranges::all_of(input, zero)) reject_damaged("something follows its end");
    padded_ = true;
    input = {};
    return last;
  }

  z_stream state_{};
  bool between_ = false, padded_ = false;
};

class Xz : public PackedStream::Decoder {
 public:
  Xz() {
    if (::lzma_stream_decoder(&state_, xz_memory, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
  }
  ~Xz() override { ::lzma_end(&state_); }

  bool decode(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override {
    state_.next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    state_.avail_in = input.size();
    state_.next_out = reinterpret_cast<std::uint8_t*>(output.data());
    state_.avail_out = output.size();
    const auto result = ::lzma_code(&state_, last ? LZMA_FINISH : LZMA_RUN);
    input = input.last(state_.avail_in);
    output = output.last(state_.avail_out);
    judge(result, last && !output.empty());
    return result == LZMA_STREAM_END;
  }

 private:
  void judge(lzma_ret result, bool cut) const {
    if (result == LZMA_MEM_ERROR) throw std::bad_alloc();
    if (result == LZMA_BUF_ERROR && cut) reject_cut();
    if (result == LZMA_MEMLIMIT_ERROR)
      throw Rejected(
          fmt::format("unpacking the archive needs {} MiB of memory, and apdepot gives it {}: pack it with "
                      "xz -6",
                      (::lzma_memusage(&state_) >> 20) + 1, xz_memory >> 20));
    if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR)
      reject_damaged("xz finds its data corrupt");
  }

  lzma_stream state_ = LZMA_STREAM_INIT;
};

std::unique_ptr<PackedStream::Decoder> decoder_for(Packing packing) {
  switch (packing) {
    case Packing::gzip:
      return std::make_unique<Gzip>();
    case Packing::xz:
      return std::make_unique<Xz>();
    case Packing::none:
      break;
  }
  return std::make_unique<Plain>();
}

bool begins_with(std::span<const std::byte> bytes, std::initializer_list<unsigned char> mark) {
  return bytes.size() >= mark.size() &&
         std::equal(mark.begin(), mark.end(), bytes.begin(),
                    [](unsigned char a, std::byte b) { return a == std::to_integer<unsigned char>(b); });
}

}  // namespace

Packing packing_of(std::span<const std::byte> beginning) {
  if (begins_with(beginning, {0x1f, 0x8b})) return Packing::gzip;
  if (begins_with(beginning, {0xfd, '7', 'z', 'X', 'Z', 0})) return Packing::xz;
  return Packing::none;
}

PackedStream::PackedStream(const File& file, Packing packing, const UnpackLimits& limits)
    : file_(file), limits_(limits), block_(block_size), decoder_(decoder_for(packing)) {}

PackedStream::~PackedStream() = default;

std::size_t PackedStream::read(std::span<std::byte> into) {
  auto rest = into;
  while (!rest.empty() && !ended_) {
    if (input_.empty() && !file_ended_) refill();
    const auto before = rest.size();
    ended_ = decoder_->decode(input_, rest, file_ended_);
    given_ += before - rest.size();
    check_limits();
  }
  return into.size() - rest.size();
}

void PackedStream::refill() {
  const std::span<std::byte> whole = block_;
  const auto got = file_.read({&whole, 1}, offset_);
  if (!got) throw std::system_error(got.error(), "cannot read the bundle");
  input_ = whole.first(*got);
  offset_ += *got;
  file_ended_ = *got == 0;
}

void PackedStream::check_limits() const {
  if (given_ > small && given_ / limits_.max_ratio > taken())
    throw Rejected(
        fmt::format("the archive would grow from {} bytes to more than {}; import.max_ratio allows a "
                    "factor of {}",
                    taken(), given_, limits_.max_ratio));
  if (given_ > room_for_headers && given_ - room_for_headers > limits_.max_total)
    throw Rejected(fmt::format("the archive holds more than {} bytes unpacked, which is import.max_total",
                               limits_.max_total));
}

}  // namespace storage
