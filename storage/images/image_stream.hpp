#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/archives/tar_header.hpp"
#include "storage/images/image_check.hpp"

namespace storage {

// Checks an image while its bytes pass by, front to back, and keeps none of them but the headers: for what is
// not to be stored. Says what check_image() says, but that it does not compute the checksums in a
// vendor's header. Pure.
class ImageStream {
 public:
  explicit ImageStream(std::string_view name) : name_(name) {}

  void update(std::span<const std::byte> bytes);
  // What was found, once all bytes have passed.
  ImageCheck check() const;
  // What it is, in words: "AP image (tar)"; empty where that is unknown. Raw.
  std::string kind() const;
  std::uint64_t size() const { return size_; }
  const std::string& beginning() const { return beginning_; }  // at most 4 KiB

 private:
  void keep(std::span<const std::byte> bytes);
  void follow();
  bool read(std::uint64_t offset, std::span<std::byte> into) const;

  const std::string name_;
  std::string beginning_;
  std::uint64_t size_ = 0;
  // The pieces of a tar that a walk along it reads, by their offsets: its headers, and what ends it.
  std::map<std::uint64_t, std::string> pieces_;
  std::uint64_t piece_ = 0;                   // where the piece begins that is being kept
  std::size_t wanted_ = tar_block;            // bytes of it; 0: the walk is over
  std::optional<std::uint64_t> next_header_;  // behind a piece that is not a header itself
  bool has_files_ = false, ends_ = false, too_many_ = false;
};

}  // namespace storage
