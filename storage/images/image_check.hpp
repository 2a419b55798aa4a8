#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/archives/tar_walk.hpp"
#include "storage/files/file.hpp"
#include "storage/images/aruba_header.hpp"

namespace storage {

// What can be told about an image without its vendor's key, from its own structure: an access point's image
// is a tar, and an Aruba image has a header with checksums.
struct ImageCheck {
  std::string damage;                // why devices would refuse it: never published. Empty for none
  std::vector<std::string> doubts;   // what could not be confirmed: published, but not as verified
  std::vector<std::string> remarks;  // what is odd and means nothing by itself
};

constexpr std::size_t image_beginning = 4096;  // bytes: enough to tell a text or a hole from an image

// What an image is judged by.
struct ImageFacts {
  std::string_view name, beginning;  // `image_beginning` bytes of it, or all
  std::uint64_t size = 0;
  std::function<TarWalk()> walk;
  std::function<std::string(const ArubaHeader&)> aruba_damage;
};

// What a file's first bytes say that it is.
bool begins_as_tar(std::string_view beginning);
std::optional<ArubaHeader> aruba_header_in(std::string_view beginning);

// What is certainly broken is damage: an image that is empty, a text or zeros, cut, or has a wrong checksum.
// `name` is the image's file name, raw; it says which structure is expected, where the content does not. Each
// sentence begins with the image's name. Throws std::system_error. Reads Aruba images whole: for a worker.
ImageCheck check_image(const File& file, std::string_view name);
ImageCheck check_image(const ImageFacts& facts);

}  // namespace storage
