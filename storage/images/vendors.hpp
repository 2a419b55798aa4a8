#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/archives/tar_walk.hpp"
#include "storage/images/device_log.hpp"
#include "storage/images/image_check.hpp"
#include "storage/images/release_name.hpp"
#include "storage/images/version.hpp"

namespace storage {

class File;

// What apdepot knows about vendors. A vendor is one row, which the file of its name fills in, and one entry
// of the list in vendors.cpp. All other code walks that list and names no vendor. Rows are constant: any
// thread may use them. File names are raw and of any case. What takes a File reads it, throws
// std::system_error and is for a worker; all else is pure.

using NameTest = bool (*)(std::string_view name);
inline constexpr NameTest no_name = [](std::string_view) { return false; };

// What tells whether a single image is whole.
enum class Structure {
  unknown,  // a tar's, where the image begins as one
  tar,      // a tar's, in any case
  header,   // the vendor's own: Vendor::check says what is wrong with it, or that it is missing
  opaque    // nothing does, although the image may be packed as a tar
};

// One kind of a product's images. Kinds may share the product.
struct Product {
  std::string_view name;        // its folder: "C9800"
  NameTest is_image = no_name;  // a whole image, which is one file and served as one
  std::optional<Version> (*version_in)(std::string_view image_name) = nullptr;  // needed for single images
  Structure structure = Structure::unknown;
  bool is_packed = false;  // the image is a ZIP or packed tar itself, and never unpacked
  // A path below a folder of this name means no other product, even where the depot has no such folder.
  bool claims_paths = false;
};

// What the header says that some vendors give their images.
struct ImageHeader {
  const Product* product;  // never null
  std::string version;     // raw
};

// A vendor's row. Where a test is left out, no file passes it.
struct Vendor {
  std::string_view name;  // for texts: "Cisco"
  std::span<const Product> products;
  NameTest is_bundle_member = no_name;    // any member of its bundles: ap1g7, version.info
  NameTest is_bundle_image = no_name;     // a member that a device loads: ap1g7
  NameTest is_for_controllers = no_name;  // a controller finds a file of exactly this name, and hands it on
  // Fills in the release of a bundle. False when nothing tells it: then the warnings alone count. Null where
  // the vendor has no bundles.
  bool (*name_bundle)(const ReleaseEvidence& evidence, ReleaseName& name) = nullptr;
  // Whether a tar is an image itself, whatever its name.
  bool (*is_image_tar)(const TarWalk& walk) = [](const TarWalk&) { return false; };
  std::optional<ImageHeader> (*read_header)(const File& file) = [](const File&) {
    return std::optional<ImageHeader>();
  };
  // Says what is wrong with the vendor's own structure. False for an image without it that is not the
  // vendor's by its name either.
  bool (*check)(const ImageFacts& facts, ImageCheck& check) = [](const ImageFacts&, ImageCheck&) {
    return false;
  };
  // What an image is, in words, by its first 4 KiB; empty for none of the vendor's. Raw.
  std::string (*kind_of)(std::string_view beginning) = [](std::string_view) { return std::string(); };
  // What a record of a device's log says about images.
  LogReader read_log = [](const LogRecord&) { return std::optional<LogMessage>(); };
};

// In the order in which they are asked. A vendor that knows an image by its header stands before those that
// know names alone.
std::span<const Vendor* const> vendors();

}  // namespace storage
