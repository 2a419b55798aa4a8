#pragma once
#include <string>
#include <vector>

#include "storage/depot.hpp"

namespace storage {

// Digest files in drop/: what belongs to a file that lies there too is used by its import; what comes later
// is compared with what was published. Either way the digest file is taken away once it was used.

struct ComparedDigest {
  std::string file;   // the archive or image that was imported, by its file name; raw
  std::string where;  // the digest file
  std::string path;   // the release
  bool matches = false;
};

// Compares what `name` holds with the releases that were imported, and writes down in their manifests whether
// they are verified. Empty when it is about nothing that was imported: then it stays and waits. Throws
// Rejected when there is no digest in it, std::system_error. For a worker.
std::vector<ComparedDigest> compare_digests(const Depot& depot, const std::string& name);

// The digest files in drop/ that the import of `name`, about to begin, will heed.
std::vector<std::string> digest_files_about(const Depot& depot, const std::string& name);

// After it: takes those away but for one that is also about a file that still lies in drop/. What came
// meanwhile was not heeded, and its own turn comes. Those of a rejected file follow it to rejected/.
enum class Fate { published, rejected };
void take_away(const Depot& depot, const std::vector<std::string>& digest_files, const std::string& name,
               Fate fate);

}  // namespace storage
