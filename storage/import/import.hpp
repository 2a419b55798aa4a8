#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "storage/archives/archive_reader.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/import/import_settings.hpp"
#include "storage/releases/imported.hpp"
#include "storage/releases/retire.hpp"

namespace storage {

class Depot;
class File;
struct KnownDigest;

// What one import is told, beside the settings.
struct ImportOrder {
  std::string sha512 = {};  // what the file's SHA-512 must be, in lower-case hex; empty: nobody says
  bool replace = false;     // another bundle or image that is published in its place gives way
  // Reads the archive; nothing: a process apart does.
  const ArchiveReader* reader = nullptr;
  // Hears how far the import is, as it goes on; called on its thread, often.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

// What is imported: an open file, so that whoever opened it decided by whose rights.
struct Bundle {
  const std::filesystem::path& path;  // its last component may say what it is
  const File& file;
  const std::vector<KnownDigest>& digests;  // that somebody gives of it
};

// Verifies `bundle`, an archive or a single image, and publishes it: an archive is unpacked into a staging
// directory of the depot, an image copied there, and one rename makes it visible. What it is, its content
// tells. `bundle` itself is only read; where others may write to it, once, and a copy from then on. Nothing
// is visible below images/ before the rename, and whatever goes wrong leaves nothing behind. Blocks for
// seconds: for a worker or the command line, never for the loop. Safe beside other imports, in this process
// or another.
//
// Throws Rejected for a file that cannot be published, std::system_error when the depot fails (full,
// read-only), or the file was changed meanwhile (resource_unavailable_try_again): then it may well do later.
Imported import_bundle(const Depot& depot, const Bundle& bundle, const ImportSettings& settings,
                       const ImportOrder& order = {});
// Opens it, never through a link, and heeds the digests that lie beside it (NAME.sha512, NAME.md5,
// SHA512SUMS).
Imported import_bundle(const Depot& depot, const std::filesystem::path& bundle,
                       const ImportSettings& settings, const ImportOrder& order = {});

// What an import has published, and what it took out of service for it.
struct ImportResult {
  Imported imported;
  std::vector<Retired> retired;
  std::vector<std::string> problems;  // with the retiring: the import is done all the same
};
// Imports `bundle`, and then retires the oldest releases of its product beyond `keep`; 0 keeps all. Throws as
// import_bundle() does, and then nothing was retired.
ImportResult import_and_retire(const Depot& depot, const Bundle& bundle, const ImportSettings& settings,
                               std::size_t keep, const ImportOrder& order = {});

}  // namespace storage
