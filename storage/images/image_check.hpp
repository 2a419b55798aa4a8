#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "storage/files/file.hpp"

namespace storage {

// What can be told about an image without its vendor's key, from its own structure: an access point's image
// is a tar, and an Aruba image has a header with checksums.
struct ImageCheck {
  std::string damage;                // why devices would refuse it: never published. Empty for none
  std::vector<std::string> doubts;   // what could not be confirmed: published, but not as verified
  std::vector<std::string> remarks;  // what is odd and means nothing by itself
};

// What a vendor judges an image by.
struct ImageFacts {
  std::string_view name;       // raw
  std::string_view beginning;  // its first 4 KiB, or all of it
  const File& file;
};

// What is certainly broken is damage: an image that is empty, a text or zeros, cut, or has a wrong checksum.
// `name` is the image's file name, raw; it says which structure is expected, where the content does not. Each
// sentence begins with the image's name. Throws std::system_error. May read the image whole: for a worker.
ImageCheck check_image(const File& file, std::string_view name);

}  // namespace storage
