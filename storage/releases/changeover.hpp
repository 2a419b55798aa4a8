#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/path.hpp"
#include "storage/releases/manifest.hpp"

namespace storage {

// Changes of a release that one rename cannot make. A release is replaced by two: of its folder, and of its
// manifest. Windows moves no folder while a file in it is open, and Windows, NFS and some FUSE exchange no
// two folders. There the files are renamed one by one. Each is whole at any moment, and whoever has one open
// reads the same bytes to the end.
//
// state/changeover/ has what is under way, so that what a killed process began is finished by the next one
// that locks the releases; the server does so when it starts.

// A release that was moved, for the log.
struct Retired {
  std::string path;      // that it had: "/EWC/17_9_4a"
  std::string moved_to;  // below the depot: "retired/EWC/17_9_4a"
};

// Keeps everybody else, in this process or another, from changing what is published.
struct ReleasesLock {
  DirectoryLock lock;
  std::optional<Retired> finished;  // what one of them had left half retired
};

// Waits for them, and finishes what one of them left. Throws std::system_error or std::runtime_error where
// that cannot be finished now.
ReleasesLock lock_releases(const Depot& depot);

// All are for the holder of that lock. Throw std::system_error. Nothing has changed then, unless the disk
// fails, or another program opens one of the files, in the middle: what is left is done later, as above.

// Moves the release, with its manifest, to `place`, a new folder below retired/.
void move_out_by_files(const Depot& depot, const Path& release, const std::filesystem::path& place);
// Gives the release the folder `content`, which gets the old one, and the manifest. False, with nothing
// changed, where the system exchanges no folders. Where the disk fails after the exchange, the release has
// both, and it throws all the same.
bool replace_by_exchange(const Depot& depot, const std::filesystem::path& content, const Manifest& manifest);
// Puts the files of `content`, which vanishes, in the place of the release's, and writes the manifest. What
// the manifest does not name is removed.
void replace_by_files(const Depot& depot, const std::filesystem::path& content, const Manifest& manifest);

}  // namespace storage
