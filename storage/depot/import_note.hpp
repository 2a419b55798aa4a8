#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "storage/depot/staging.hpp"

namespace storage {

// What an import says of itself to other threads and processes, in a file of its staging area: which bundle
// it takes, and how far it is. It goes with the area. For the import's own thread.
class ImportNote {
 public:
  ImportNote(const StagingArea& area, const std::string& bundle);  // its file name
  // Where it cannot be written, the note stays behind the import, which goes on.
  void goes_on(std::uint64_t done, std::uint64_t total);

 private:
  const std::filesystem::path file_;
  unsigned percent_ = 0;
};

// An import that runs now, in this process or another.
struct ImportUnderWay {
  std::string bundle;
  unsigned percent;
};
// By their notes; none where the notes cannot be read. May wait for the disk.
std::vector<ImportUnderWay> imports_under_way(const Depot& depot);

}  // namespace storage
