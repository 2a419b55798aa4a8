#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "storage/archives/unpack_limits.hpp"

namespace storage {

class File;

// How a whole archive is compressed.
enum class Packing : std::uint8_t { none, gzip, xz };

// Told by the first bytes.
Packing packing_of(std::span<const std::byte> beginning);

// The bytes that a file holds, unpacked on the way, front to back. Memory is bounded whatever the file says,
// and so is what comes out: import.max_ratio, and import.max_total with room for an archive's headers.
// The checksums that stand in the file are checked (libarchive's gzip reader does not). Blocks.
//
// Throws Rejected for what is damaged, cut or beyond the limits; std::system_error when the disk fails.
class PackedStream {
 public:
  PackedStream(const File& file, Packing packing, const UnpackLimits& limits);
  ~PackedStream();

  // Fills it whole, but for the last bytes of the stream; then 0.
  std::size_t read(std::span<std::byte> into);
  std::uint64_t taken() const { return offset_ - input_.size(); }  // bytes of the file

  // One way to pack. Moves both spans behind what it has used; true at the stream's end. `last`: no more
  // input comes.
  struct Decoder {
    virtual ~Decoder() = default;
    virtual bool decode(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) = 0;
  };

 private:
  void refill();
  void check_limits() const;

  const File& file_;
  const UnpackLimits& limits_;
  std::vector<std::byte> block_;
  std::span<const std::byte> input_;
  std::uint64_t offset_ = 0, given_ = 0;
  bool file_ended_ = false, ended_ = false;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace storage
