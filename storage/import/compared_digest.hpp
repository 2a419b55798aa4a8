#pragma once
#include <string>

namespace storage {

// The result for one file that a digest file names. A plain value; any thread.
struct ComparedDigest {
  std::string file;   // the archive or image that was imported, by its file name; raw
  std::string where;  // the digest file
  std::string path;   // the release
  bool matches = false;
};

}  // namespace storage
