#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/archives/tar_walk.hpp"

namespace storage {

class File;

// What can be told about an image without its vendor's key, from its own structure: an access point's image
// is a tar, and other vendors have headers with checksums.
struct ImageCheck {
  std::string damage;                // why devices would refuse it: never published. Empty for none
  std::vector<std::string> doubts;   // what could not be confirmed: published, but not as verified
  std::vector<std::string> remarks;  // what is odd and means nothing by itself
};

constexpr std::size_t image_beginning = 4096;  // bytes: enough to tell a text or a hole from an image

// What an image is judged by.
struct ImageFacts {
  std::string_view name;       // raw
  std::string_view beginning;  // `image_beginning` bytes of it, or all
  std::uint64_t size = 0;      // bytes
  std::function<TarWalk()> walk;
  const File* file = nullptr;  // null: it is not stored, so that nothing else of it can be read
};

// What a file's first bytes say that it is.
bool begins_as_tar(std::string_view beginning);

// What is certainly broken is damage: an image that is empty, a text or zeros, cut, or has a wrong checksum.
// `name` is the image's file name, raw; it says which structure is expected, where the content does not. Each
// sentence begins with the image's name. Throws std::system_error. May read the image whole: for a worker.
ImageCheck check_image(const File& file, std::string_view name);
ImageCheck check_image(const ImageFacts& facts);

}  // namespace storage
