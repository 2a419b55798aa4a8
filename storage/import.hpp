#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "storage/depot.hpp"
#include "storage/one_line.hpp"

namespace storage {

class File;
struct KnownDigest;

// The bounds for a hostile archive, and where releases go. conf/ fills this in from the key `import`.
struct ImportSettings {
  std::string layout = "{product}/{release}";
  std::uint64_t max_members = 10'000;
  std::uint64_t max_total = 16ULL << 30;  // bytes, unpacked
  std::uint64_t max_ratio = 200;          // unpacked to packed, for one member and for the whole
  friend bool operator==(const ImportSettings&, const ImportSettings&) = default;
};

// What one import is told, beside the settings.
struct ImportOrder {
  std::string sha512 = {};  // what the file's SHA-512 must be, in lower-case hex; empty: nobody says
  bool replace = false;     // another bundle or image that is published in its place gives way
  // Hears how far the import is, as it goes on; called on its thread, often.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

struct Imported {
  std::string path;   // "/EWC/17_9_4a"; of a single image its directory, of an unknown file "/other/NAME"
  std::string image;  // the single image's name; empty for a bundle
  std::uint64_t members = 0, bytes = 0;
  bool already_there =
      false;             // the same members with the same digests are published already: nothing was changed
  bool verified = true;  // no doubt about its structure, or a digest from the vendor confirmed it
  std::vector<std::string> warnings;
};

// Why a bundle was not published, in a sentence for the administrator: what is wrong with it and what to do.
// In one line, whatever a library said.
struct Rejected : std::runtime_error {
  explicit Rejected(std::string_view reason) : std::runtime_error(one_line(reason)) {}
};

// What is imported: an open file, so that whoever opened it decided by whose rights.
struct Bundle {
  const std::filesystem::path& path;  // its last component may say what it is
  const File& file;
  const std::vector<KnownDigest>& digests;  // that somebody gives of it
};

// Verifies `bundle`, an archive or a single image, and publishes it: an archive is unpacked into a staging
// directory of the depot, an image copied there, and one rename makes it visible. What it is, its content
// tells. `bundle` itself is only read. Nothing is visible below images/ before the rename, and whatever goes
// wrong leaves nothing behind. Blocks for seconds: for a worker or the command line, never for the loop. Safe
// beside other imports, in this process or another.
//
// Throws Rejected for a file that cannot be published, std::system_error when the depot fails (full,
// read-only), or the file was changed meanwhile (resource_unavailable_try_again): then it may well do later.
Imported import_bundle(const Depot& depot, const Bundle& bundle, const ImportSettings& settings,
                       const ImportOrder& order = {});
// Opens it, never through a link, and heeds the digests that lie beside it (NAME.sha512, NAME.md5,
// SHA512SUMS).
Imported import_bundle(const Depot& depot, const std::filesystem::path& bundle,
                       const ImportSettings& settings, const ImportOrder& order = {});

}  // namespace storage
